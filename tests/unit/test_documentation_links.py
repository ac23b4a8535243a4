"""Links and references of the documentation lead to files, headings and definitions."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")]
    if ".venv" not in path.parts
)
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def anchors(page):
    """Return the anchors that GitHub makes for a page's headings."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    broken = []
    for target, anchor in LINK.findall(CODE.sub("", page.read_text())):
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(f"{target}#{anchor}" if anchor else target)
    assert not broken


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "development").rglob("*.md")), ids=lambda page: page.stem
)
def test_files_and_names_of_the_pages_for_developers_exist(page):
    missing = []
    for reference in re.finditer(
        r"`((?:src|stac_api|mappings|tests|scripts)/[^`\s*…]+)`(?: → (`\w+`(?:, `\w+`)*))?", page.read_text()
    ):
        file = ROOT / reference[1]
        if not file.exists():
            missing.append(reference[1])
        elif reference[2]:
            text = file.read_text()
            missing += [
                f"{reference[1]} → {name}"
                for name in re.findall(r"\w+", reference[2])
                if not re.search(rf"^\s*(?:(?:async )?def|class) {name}\b|^{name}\b.* = ", text, re.MULTILINE)
            ]
    assert not missing


def test_the_folders_of_the_architecture_exist():
    page = (ROOT / "docs" / "development" / "architecture.md").read_text()
    tree = re.search(r"```text\n(.*?)```", page, re.DOTALL)[1]
    parents, missing, found = {}, [], 0
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        for name in re.split(r"\s{2,}", line.strip())[0].split():
            path = parents.get(depth - 1, ROOT) / name
            found += 1
            if not path.exists():
                missing.append(str(path.relative_to(ROOT)))
            parents[depth] = path
    assert not missing
    assert found > 40
