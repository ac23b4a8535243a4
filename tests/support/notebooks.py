"""Tutorials as notebooks: run in a kernel, and exported to HTML."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from landbridge.catalog import CatalogClient, Product

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"
# The demo's product and those that the pages make
PRODUCTS_OF_PAGES = re.compile(r"local:(demo-landsat|guide-|journey-|scenes$)|acme:scenes$")


def remove_products_of_pages() -> None:
    """Remove what the documentation's examples made in the catalog."""
    for product in list(Product.search()):
        if PRODUCTS_OF_PAGES.match(product.id):
            deletion = product.delete_related_objects()
            if deletion is not None:
                deletion.wait_for_completion(timeout=60)
            product.delete()


def executed(page: Path, folder: Path) -> Any:
    """Return the notebook of a page after running it in a folder, with the environment of `make docs`.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    from myst_nb.core.read import read_myst_markdown_notebook
    from nbclient import NotebookClient

    paths = [ROOT / "examples", ROOT / "docs" / "_extensions", os.environ.get("PYTHONPATH")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(path) for path in paths if path)}
    notebook = read_myst_markdown_notebook(page.read_text())
    client = NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    return client.execute(env=environment)


def executed_alone(page: Path, folder: Path) -> Any:
    """Do as `executed`, without products of other pages in the catalog, and leave none."""
    CatalogClient.clear_all_default_clients()
    remove_products_of_pages()
    try:
        return executed(page, folder)
    finally:
        remove_products_of_pages()


def outputs(notebook: Any, last_line: str) -> list[Any]:
    """Return the outputs of the only cell that ends with a line."""
    (cell,) = [one for one in notebook.cells if one.cell_type == "code" and one.source.endswith(last_line)]
    return list(cell.outputs)


def view(notebook: Any, last_line: str) -> str:
    """Return the HTML that a cell shows."""
    shown = [one.get("data", {}) for one in outputs(notebook, last_line)]
    (html,) = [data["text/html"] for data in shown if "text/html" in data]
    return str(html)
