"""Runs the examples of the guide's pages from top to bottom on the product of the demo."""

import doctest
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from rasterio.transform import from_origin
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from landbridge.cli import main
from landbridge.mappings.sources import shipped_texts

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
PAGES = sorted(page for page in GUIDE.glob("*.md") if page.stem != "index")
DOCTEST = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# Pages that use the shipped sources, which other tests are without
PAGES_OF_SOURCES = {"imagery-from-elsewhere", "write-a-source"}


def run_console_block(example):
    """Run the lines of a console block that start with "$ ", and compare their output."""
    checker = doctest.OutputChecker()
    for part in re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        program, *arguments = shlex.split(command)
        assert program == "landbridge", command
        got = CliRunner().invoke(main, arguments).output
        if not checker.check_output(expected, got, DOCTEST):
            return f"{command}\nExpected:\n{expected}\nGot:\n{got}"
    return None


def parse_page(page):
    """Return the page's examples, which share a namespace."""
    parsers = [
        PythonCodeBlockParser(doctest_optionflags=DOCTEST),
        CodeBlockParser("console", run_console_block),
    ]
    return Sybil(parsers).parse(page)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Change to a working directory with the file that the page on uploads reads."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    profile = {"driver": "GTiff", "width": 64, "height": 48, "count": 1, "dtype": "uint16", "nodata": 0}
    place = {"crs": "EPSG:32612", "transform": from_origin(759_000, 4_310_000, 60, 60)}
    with rasterio.open("blue.tif", "w", **profile, **place) as file:
        file.write(np.full((48, 64), 1200, "uint16"), 1)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_the_examples_of_a_page_run(page, demo_product, folder, request):
    if page.stem in PAGES_OF_SOURCES:
        request.getfixturevalue("replayed_sources")
    document = parse_page(page)
    examples = list(document.examples())
    assert examples
    for example in examples:
        example.evaluate()


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_every_block_of_a_page_is_run(page):
    fences = re.findall(r"^```(.*)$", page.read_text(), re.MULTILINE)[::2]
    assert set(fences) <= {"python", "console"}


def test_the_index_links_every_page():
    index = (GUIDE.parent / "index.md").read_text()
    assert [page.name for page in PAGES if f"(guide/{page.name})" not in index] == []


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_links_between_pages_exist(page):
    for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).is_file(), target


def test_each_shipped_source_has_a_page_that_the_index_links():
    index = (GUIDE.parent / "index.md").read_text()
    for source in shipped_texts():
        page = GUIDE.parent / "sources" / f"{source}.md"
        assert page.is_file(), source
        assert f"(sources/{source}.md)" in index
        for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).is_file(), target
