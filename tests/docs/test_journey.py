"""The notebook of the whole journey: it runs, and each step shows what its text says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow.parquet
import pytest

from landbridge.catalog import Product
from support.notebooks import TUTORIALS, executed_alone, outputs, view

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journey")


@pytest.fixture(scope="module")
def notebook(stack: Any, folder: Path) -> Any:
    return executed_alone(TUTORIALS / "whole-journey.md", folder)


def test_views_show_the_product_the_search_and_the_images(notebook: Any) -> None:
    bands = ("blue", "green", "red", "nir", "alpha")
    assert all(f"<b>{name}</b>" in view(notebook, "\nproduct") for name in bands)
    assert "cloud fraction is below 0.9" in view(notebook, "\nsearch")
    months = view(notebook, 'end_datetime="2021-01-01")')
    assert months.count("<rect") == 4
    assert "most: 2" in months
    images = view(notebook, "\nimages")
    assert "6 images" in images
    assert images.count("data:image/png;base64,") == 6
    assert "leaflet" in view(notebook, "explore(basemap=None)")


def test_pixels_are_read_with_a_progress_bar(notebook: Any) -> None:
    shown = outputs(notebook, 'images")')
    texts = "".join(one.text for one in shown if one.output_type == "stream")
    assert "mosaic:" in texts
    assert "px/s" in texts
    assert any("image/png" in one.get("data", {}) for one in shown)
    assert re.search(r"time.*: 2.*band.*: 2", view(notebook, '"red nir", area)'), re.DOTALL)


def test_metadata_leave_in_the_forms_of_other_libraries(notebook: Any, folder: Path) -> None:
    assert view(notebook, '"geometry"]]').count("POLYGON") == 6
    (printed,) = outputs(notebook, "sorted(item.assets))")
    assert "<Item id=" in printed.text
    assert pyarrow.parquet.read_metadata(folder / "images.parquet").num_rows == 6


def test_the_own_product_is_made_and_shared(notebook: Any) -> None:
    assert "success" in view(notebook, "\nupload")
    image = view(notebook, "own.images().collect()[0]")
    assert "300 by 300 pixels of 60 in EPSG:32612" in image
    # The picture itself is shown, so there is no section that would fetch it.
    assert image.count("data:image/png;base64,") == 1
    assert 'class="lb-remote"' not in image
    assert "org:example" in view(notebook, "own.save()\nown")
    assert Product.get("local:journey-vegetation") is None
