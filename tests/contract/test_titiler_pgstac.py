"""titiler-pgstac renders items of the stack's database with the same pixels."""

import io
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from landbridge.catalog import Image


@pytest.fixture
def titiler(stack, product):
    from psycopg.rows import dict_row
    from psycopg_pool import ConnectionPool
    from titiler.core.factory import MultiBaseTilerFactory
    from titiler.pgstac.dependencies import ItemIdParams
    from titiler.pgstac.reader import PgSTACReader

    class Reader(PgSTACReader):
        """Reader of titiler that resolves relative asset URLs as the API does."""

        def _get_asset_info(self, asset):
            for one in self.input.assets.values():
                if one.href.startswith("/"):
                    one.href = stack.private_url.rstrip("/") + one.href
            return super()._get_asset_info(asset)

    app = FastAPI()
    factory = MultiBaseTilerFactory(
        reader=Reader,
        path_dependency=ItemIdParams,
        router_prefix="/collections/{collection_id}/items/{item_id}",
    )
    app.include_router(factory.router, prefix="/collections/{collection_id}/items/{item_id}")
    url = urlsplit(stack.database)
    where = {name: values[0] for name, values in parse_qs(url.query).items()}
    options = {
        "user": url.username,
        "dbname": url.path[1:],
        **where,
        "options": "-c search_path=pgstac,public",
    }
    with ConnectionPool(kwargs={**options, "row_factory": dict_row}, min_size=1, max_size=2) as pool:
        app.state.dbpool = pool
        with TestClient(app) as client:
            yield client


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_its_pixels_are_those_of_an_image(titiler, product, dataset):
    name = dataset.images[0].name
    bands = ["red", "green", "blue"]
    image = Image.get(f"{product.id}:{name}")
    (key,) = [
        key
        for key in titiler.get(f"/collections/{product.id}/items/{name}/assets").json()
        if key != "thumbnail"
    ]
    answer = titiler.get(
        f"/collections/{product.id}/items/{name}/preview.npy",
        params={"assets": key, "max_size": 4096},
    )
    assert answer.status_code == 200, answer.text
    *pixels, mask = np.load(io.BytesIO(answer.content))
    ours = image.ndarray(" ".join(bands), mask_alpha=False, mask_nodata=False)
    assert ours.shape == (3, image.y_pixels, image.x_pixels)
    seen = mask > 0
    assert seen.any()
    places = [band.band_index for band in (product.get_band(name) for name in bands)]
    theirs = np.stack(pixels)[places]
    np.testing.assert_array_equal(theirs[:, seen], np.asarray(ours)[:, seen])
