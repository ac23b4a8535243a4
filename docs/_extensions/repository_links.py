"""A Sphinx extension for pages that are also read in the repository.

Their links may lead to files of the repository, such as `../CHANGELOG.md`. Of these, the pages that belong to
the site are pages below `project/` there; links to other files become plain text, since the site has no copy.
"""

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
# Pages of the site that are files of the repository's root.
PROJECT_PAGES = {
    "project/changelog": "CHANGELOG.md",
    "project/contributing": "CONTRIBUTING.md",
    "project/releasing": "RELEASING.md",
    "project/security": "SECURITY.md",
    "project/code_of_conduct": "CODE_OF_CONDUCT.md",
}
_PAGE_OF_FILE = {ROOT / file: DOCS / f"{page}.md" for page, file in PROJECT_PAGES.items()} | {
    ROOT / "README.md": DOCS / "index.md"
}
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>(?!\w+:|#)[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def rewritten(text: str, folder: Path, page: Path) -> str:
    """Return a page's text with links that work in the site.

    Parameters
    ----------
    text
        Markdown.
    folder
        The folder from which the links of the text lead.
    page
        The file of the page in the site's folder.
    """

    def replace(link: re.Match[str]) -> str:
        file = (folder / link["target"]).resolve()
        file = _PAGE_OF_FILE.get(file, file)
        if not file.is_relative_to(DOCS) or file.is_dir():
            return link["text"]
        return f"[{link['text']}]({os.path.relpath(file, page.parent)}{link['anchor'] or ''})"

    return _LINK.sub(replace, text)


def _on_source_read(app: Sphinx, docname: str, source: list[str]) -> None:
    page = Path(app.env.doc2path(docname))
    if page.suffix != ".md":
        return
    file = PROJECT_PAGES.get(docname)
    text, folder = (source[0], page.parent) if file is None else ((ROOT / file).read_text(), ROOT)
    source[0] = rewritten(text, folder, page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("source-read", _on_source_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
