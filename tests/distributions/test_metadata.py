"""Metadata of the distributions as PyPI shows it: pages, licences, classifiers and versions."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOT_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = [ROOT, *(ROOT / member for member in ROOT_PROJECT["tool"]["uv"]["workspace"]["members"])]
MODULES = {
    "landbridge": "landbridge.catalog",
    "landbridge-kernels": "landbridge.kernels",
    "landbridge-mappings": "landbridge.mappings",
    "landbridge-raster": "landbridge.raster",
    "landbridge-stac-api": "landbridge.stac_api",
    "landbridge-descarteslabs": "landbridge.porting",
}
RELATIVE_LINK = re.compile(r"\]\((?!\w+:)")
# Versions that `make wheels` and the tests run with
TRIED = ["3.11", "3.12", "3.13"]


def project(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def page_of(folder):
    """Return a distribution's page on PyPI."""
    text = (folder / "README.md").read_text()
    if folder != ROOT:
        return text
    # As hatch-fancy-pypi-readme does, by the same configuration
    hook = ROOT_PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    (fragment,) = hook["fragments"]
    text = text[: text.index(fragment["end-before"])]
    for substitution in hook["substitutions"]:
        text = re.sub(substitution["pattern"], substitution["replacement"], text)
    return text


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_page_says_how_to_install_and_has_no_link_into_the_repository(folder):
    page = page_of(folder)
    assert page.startswith("# ")
    assert len(page.split()) > 30
    assert not RELATIVE_LINK.search(page), RELATIVE_LINK.findall(page)
    assert "](" not in re.sub(r"\]\(https://", "", page)


def test_the_page_of_the_client_begins_with_the_command_that_installs_it():
    page = page_of(ROOT)
    assert 'pip install "landbridge[server]"' in page[: page.index("```python")]
    assert "make " not in page
    assert "![" not in page
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 14


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_metadata_are_whole(folder):
    found = project(folder)
    assert found["license"] == "Apache-2.0"
    assert found["license-files"] == ["LICENSE"]
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert found["keywords"]
    assert "Typing :: Typed" in found["classifiers"]
    versions = [each.rpartition(" ")[2] for each in found["classifiers"] if "Python :: 3." in each]
    assert versions == TRIED
    assert found["requires-python"] == f">={TRIED[0]}"


@pytest.mark.parametrize("distribution", MODULES)
def test_a_distribution_has_its_version(distribution):
    module = importlib.import_module(MODULES[distribution])
    assert module.__version__ == ROOT_PROJECT["project"]["version"]
    assert not hasattr(module, "__versions__")


def test_the_extra_all_has_all_others():
    extras = ROOT_PROJECT["project"]["optional-dependencies"]
    (named,) = [each for each in extras["all"] if each.startswith("landbridge[")]
    assert sorted(named.removeprefix("landbridge[").removesuffix("]").split(",")) == sorted(
        set(extras) - {"all"}
    )
