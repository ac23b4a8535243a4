"""The documentation site builds without a warning, its tutorials run, and every public name has a page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import LONG
from landbridge.catalog import CatalogClient
from support.notebooks import remove_products_of_pages
from unit.test_public_surface import PUBLIC

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# Modules for developers of other parts of Landbridge: their pages are those for developers.
INTERNAL = {"landbridge.mappings", "landbridge.errors"}


def listed_names():
    """Return the names that the reference pages list, as "module.name"."""
    found = set()
    for page in (DOCS / "reference").glob("*.md"):
        for module, block in re.findall(r"\.\. currentmodule:: (\S+)\n(.*?)```", page.read_text(), re.DOTALL):
            found |= {f"{module}.{name}" for name in re.findall(r"^   (\w+)$", block, re.MULTILINE)}
    return found


def test_every_public_name_has_a_page_and_every_page_a_public_name():
    public = {f"{module}.{name}" for module in PUBLIC.keys() - INTERNAL for name in PUBLIC[module]}
    assert listed_names() == public


def test_messages_of_the_page_on_troubleshooting_are_those_of_the_code():
    quoted = re.findall(r"^### `(.*)`$", (DOCS / "troubleshooting.md").read_text(), re.MULTILINE)
    sources = "\n".join(
        path.read_text()
        for folder in ("src", "stac_api", "mappings")
        for path in (ROOT / folder).rglob("*.py")
    )
    assert len(quoted) > 10
    assert [message for message in quoted if message not in sources] == []


@pytest.fixture
def tutorial_stack(stack):
    """The stack that the tutorials use; their products are removed afterwards."""
    yield stack
    CatalogClient.clear_all_default_clients()
    remove_products_of_pages()


@pytest.mark.timeout(900)
def test_the_site_builds_without_a_warning(request, tmp_path):
    if LONG:
        request.getfixturevalue("tutorial_stack")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "--quiet",
            "--builder",
            # Without pages, all references are resolved too, in half of the time.
            "html" if LONG else "dummy",
            "--fail-on-warning",
            "--keep-going",
            DOCS,
            tmp_path / "site",
        ],
        capture_output=True,
        text=True,
        # Running the tutorials takes a minute: `make docs` and `make test-long` do.
        env={**os.environ, "LANDBRIDGE_DOCS_EXECUTE": "force" if LONG else "off"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-8000:]
    if LONG:
        tutorial = (tmp_path / "site" / "tutorials" / "find-and-mosaic.html").read_text()
        assert "Find images and mosaic them" in tutorial
        assert "<img" in tutorial
        assert "Traceback" not in tutorial
