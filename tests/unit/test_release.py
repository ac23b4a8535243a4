"""Versions and metadata that a release needs."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROOT_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION = ROOT_PROJECT["project"]["version"]
PROJECTS = [
    ROOT / member / "pyproject.toml" for member in [".", *ROOT_PROJECT["tool"]["uv"]["workspace"]["members"]]
]


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_all_distributions_have_the_same_version_and_pin_each_other(path):
    project = tomllib.loads(path.read_text())["project"]
    assert project["version"] == VERSION
    extras = project.get("optional-dependencies", {})
    requirements = [*project["dependencies"], *(one for extra in extras.values() for one in extra)]
    pins = [one for one in requirements if re.match(r"landbridge-", one)]
    assert [pin.partition("==")[2] for pin in pins] == [VERSION] * len(pins)


def test_the_citation_file_is_valid_and_of_this_version():
    # The required and the used keys of https://citation-file-format.github.io, version 1.2.0.
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    allowed = {"abstract", "authors", "cff-version", "date-released", "keywords", "license", "message"}
    assert set(citation) <= allowed | {"title", "type", "version", "repository-code", "url", "doi"}
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert all(isinstance(citation[key], str) and citation[key] for key in ("message", "title", "license"))
    assert all(author.keys() <= {"name", "website", "email", "orcid"} for author in citation["authors"])
    assert len(set(citation["keywords"])) == len(citation["keywords"]) > 0
    assert citation["version"] == VERSION
    assert date.fromisoformat(citation["date-released"])


def test_the_changelog_has_a_section_for_this_version():
    sections = re.findall(r"^## \[(.*?)\](?: - (.*))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] == ("Unreleased", "")
    versions = dict(sections[1:])
    assert VERSION in versions
    assert all(date.fromisoformat(day) for day in versions.values())
