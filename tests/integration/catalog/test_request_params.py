"""`request_params` and `headers` of uploads: further attributes and headers, as those of `save`."""

from typing import Any

import numpy as np
import pytest

from landbridge.catalog import Blob, CatalogClient, Image, Product
from landbridge.exceptions import BadRequestError

GRID = {"cs_code": "EPSG:32633", "geotrans": (500000, 10, 0, 5000000, 0, -10)}


@pytest.fixture
def headers_sent(client: CatalogClient, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The headers that each further POST is sent with."""
    sent: list[dict[str, str]] = []
    post = CatalogClient.post

    def recording(self: CatalogClient, path: str, document: Any = None, **kwargs: Any) -> Any:
        sent.append(dict(kwargs.get("headers") or {}))
        return post(self, path, document, **kwargs)

    monkeypatch.setattr(CatalogClient, "post", recording)
    return sent


def test_a_blob_is_created_with_further_attributes_and_headers(
    new_id: Any, headers_sent: list[dict[str, str]], tmp_path: Any
):
    blob = Blob(name=new_id(), tags=["own"])
    blob.upload_data("1", request_params={"description": "D", "tags": ["sent"]}, headers={"X-Test": "1"})
    assert (blob.description, list(blob.tags), blob.data()) == ("D", ["sent"], b"1")
    assert headers_sent == [{"X-Test": "1"}]
    (tmp_path / "file").write_text("2")
    other = Blob(name=new_id()).upload(str(tmp_path / "file"), {"description": "E"}, {"X-Test": "2"})
    assert (other.description, other.data()) == ("E", b"2")
    Blob.delete_many([blob.id, other.id])


@pytest.mark.parametrize(
    ("params", "message"), [({"nonsense": 1}, "nonsense"), ({"name": "b"}, "another object")]
)
def test_attributes_that_a_blob_does_not_have_or_that_name_another_one_are_refused(
    new_id: Any, params: dict[str, Any], message: str
):
    blob = Blob(name=new_id())
    with pytest.raises(BadRequestError, match=message):
        blob.upload_data("1", request_params=params)
    assert not Blob.exists(name=blob.name)


def test_an_image_is_uploaded_with_further_attributes_and_headers(
    banded: Product, headers_sent: list[dict[str, str]], tmp_path: Any
):
    pixels = np.ones((2, 20, 20), "uint16")
    image = Image(product=banded, name="params", acquired="2024-01-01", **GRID)
    with pytest.raises(BadRequestError, match="nonsense"):
        image.upload_ndarray(pixels, request_params={"nonsense": 1})
    with pytest.raises(BadRequestError, match="another object"):
        image.upload_ndarray(pixels, request_params={"name": "other"})
    headers_sent.clear()
    upload = image.upload_ndarray(
        pixels, request_params={"cloud_fraction": 0.25, "tags": ["sent"]}, headers={"X-Test": "1"}
    )
    assert headers_sent[0] == {"X-Test": "1"}
    upload.wait_for_completion()
    assert upload.status == "success"
    assert (image.cloud_fraction, list(image.tags), image.state) == (0.25, ["sent"], "saved")


@pytest.mark.parametrize("name", ["per_item_continuations", "continuation", "nonsense"])
def test_a_parameter_that_a_search_does_not_have_is_refused(name: str, product: Product):
    with pytest.raises(BadRequestError, match=name):
        list(product.images(request_params={name: True}))
