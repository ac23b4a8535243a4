"""Import paths and names that public scripts use, written out: each resolves under both roots."""

import importlib
import json

import pytest

import landbridge.catalog
import landbridge.geo
import landbridge.utils
from conftest import REPOSITORY
from landbridge.porting.stubs import Stub

CONTEXTS = "AOI DLTile GeoContext XYZTile"
DOTDICT = "DotDict DotList"
DLTILE = "Grid InvalidLatLonError InvalidRowColError InvalidShapeError InvalidTileError Tile"
PATHS = {
    "": "Auth AWS_ENVIRONMENT Catalog Metadata Raster Storage __version__ auth catalog client common config "
    "core exceptions geo get_settings metadata raster scenes select_env storage utils",
    "auth": "Auth",
    "catalog": "Band Blob Image ImageCollection Product SpectralBand properties",
    "client.auth": "Auth",
    "client.exceptions": "BadRequestError ConflictError NotFoundError RateLimitError ServerError",
    "client.services.catalog": "Catalog",
    "client.services.metadata": "Metadata",
    "client.services.raster": "Raster",
    "client.services.storage": "Storage",
    "client.services": "Catalog Metadata Raster Storage",
    "common.dotdict": DOTDICT,
    "common.property_filtering": "Properties",
    "config": "get_settings select_env",
    "core.catalog": "Band Blob Image Product properties",
    "core.client.exceptions": "BadRequestError NotFoundError",
    "core.common.collection": "Collection Eacher",
    "core.common.display": "display save_image",
    "core.common.dltile": DLTILE,
    "core.common.dotdict": DOTDICT,
    "core.common.geo": CONTEXTS,
    "core.common.property_filtering": "Properties Property Expression AndExpression OrExpression",
    "core.common.shapely_support": "geometry_like_to_shapely",
    "core.utils": "DotDict Properties display save_image",
    "exceptions": "AuthError ClientError NotFoundError ServerError",
    "geo": CONTEXTS,
    "metadata": "search features ids get bands products summary",
    "raster": "ndarray stack raster dltiles_from_shape iter_dltiles_from_shape dltile dltile_from_latlon",
    "scenes": f"{CONTEXTS} Scene SceneCollection display save_image search get_product get_band "
    "search_products search_bands",
    "scenes.geocontext": CONTEXTS,
    "storage": "set get set_file get_file list iter_list exists delete",
    "utils": "DotDict DotList Properties display save_image",
}
GONE = {
    "": "Places Tasks Vector",
    "client.services": "Places Tasks Vector",
    "client.services.places": "Places",
    "client.services.tasks": "AsyncTasks FutureTask Tasks as_completed",
    "client.services.vector": "Vector",
    "compute": "Function Job",
    "dynamic_compute": "ImageStack Mosaic map",
    "places": "find shape",
    "tasks": "create_function",
    "vector": "Feature Table",
    "vectors": "Feature FeatureCollection",
    "workflows": "Image ImageCollection map",
}
ROOTS = ("descarteslabs", "earthdaily.earthone")


def pairs(table):
    return [(path, name) for path in table for name in table[path].split()]


def resolve(root, path, name):
    return getattr(importlib.import_module(f"{root}.{path}" if path else root), name)


# The names of a root are cases of one test: a test for each would take longer than what it tests.
@pytest.mark.parametrize("root", ROOTS)
def test_every_name_resolves(root):
    found = {(path, name): resolve(root, path, name) for path, name in pairs(PATHS)}
    assert [place for place, value in found.items() if value is None or isinstance(value, Stub)] == []


@pytest.mark.parametrize("root", ROOTS)
def test_a_name_of_a_service_that_is_gone_resolves_to_a_stub(root):
    assert [pair for pair in pairs(GONE) if not isinstance(resolve(root, *pair), Stub)] == []


@pytest.mark.parametrize(
    ("path", "implementation"),
    [
        ("catalog", landbridge.catalog), ("core.catalog", landbridge.catalog), ("geo", landbridge.geo),
        ("core.common.geo", landbridge.geo), ("scenes.geocontext", landbridge.geo),
        ("utils", landbridge.utils),
        ("core.utils", landbridge.utils),
    ],
)  # fmt: skip
def test_all_names_of_the_implementation_are_the_same_objects(path, implementation):
    for root in ROOTS:
        for name in implementation.__all__:
            assert resolve(root, path, name) is getattr(implementation, name)


def test_the_names_of_the_last_client_resolve_in_their_modules():
    listed = REPOSITORY.parent / "shared" / "spec" / "catalog_api.json"
    if not listed.is_file():
        pytest.skip(f"the list of names is not at {listed}")
    document = json.loads(listed.read_text())
    missing = [
        f"{module}.{name}"
        for module, content in document["modules"].items()
        for name in content["all"]
        if not hasattr(importlib.import_module(module), name)
    ]
    members = [
        (name, member["module"])
        for content in (*document["modules"].values(), {"events": document["events"]})
        for kind in ("classes", "enums", "events")
        for name, member in content.get(kind, {}).items()
        if isinstance(member, dict) and member.get("module")
    ]
    assert len(members) > 60
    for name, module in members:
        # The errors are listed by the module "exceptions", without its place.
        if not hasattr(importlib.import_module(f"descarteslabs.{module}"), name):
            missing.append(f"{module}.{name}")
    assert missing == []
