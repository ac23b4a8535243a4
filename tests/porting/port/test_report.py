"""Contents of the report: names, verdicts, products, exit codes."""

import json

import pytest
from click.testing import CliRunner

from landbridge.cli import main
from landbridge.porting.arguments.gone_products import GONE_PRODUCTS
from landbridge.porting.port.analysis import analyse
from landbridge.porting.port.product_ids import find_product


@pytest.fixture(autouse=True)
def _all_sources(monkeypatch):
    monkeypatch.delenv("LANDBRIDGE_SOURCES")


@pytest.fixture
def report(tmp_path):
    def analysed(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        return analyse(path).report

    return analysed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import descarteslabs as dl\ndl.scenes.search(a, 'a:b')", ("Scenes", "adapter")),
        ("from descarteslabs import scenes as s\ns.search(a, 'a:b')", ("Scenes", "adapter")),
        ("from descarteslabs.scenes import search as find\nfind(a, 'a:b')", ("Scenes", "adapter")),
        ("import earthdaily.earthone as eo\neo.catalog.Image", ("Catalog", "same")),
        ("import earthdaily.earthone.catalog\nearthdaily.earthone.catalog.Image", ("Catalog", "same")),
        ("import descarteslabs.core.catalog as c\nc.Blob", ("Catalog", "same")),
        ("from descarteslabs.client.services.raster import Raster\nRaster", ("Raster", "adapter")),
        ("import descarteslabs\ndescarteslabs.raster.ndarray('a:b:c')", ("Raster", "adapter")),
        ("import descarteslabs as dl\nc = dl.Metadata()", ("Metadata", "adapter")),
        ("import descarteslabs as dl\nx = dl\nx.Storage()", ("Storage", "adapter")),
        (
            "from descarteslabs.client.services.catalog import Catalog\nCatalog()",
            ("old Catalog client", "adapter"),
        ),
        ("from descarteslabs.workflows import Image\nImage", ("Workflows", "gone")),
        ("import descarteslabs.workflows.models as m\nm.Int", ("Workflows", "gone")),
        ("from descarteslabs.catalog import EventRule\nEventRule", ("Events", "gone")),
        ("import descarteslabs as dl\ndl.places.find('iowa')", ("Places", "gone")),
        ("import descarteslabs as dl\ndl.nothing()", ("Unknown", "unknown")),
        ("from descarteslabs.auth import Auth\nAuth()", ("Auth", "adapter")),
    ],
)
def test_names_are_found_by_any_way_to_them(report, text, expected):
    assert expected in {(use.api, use.verdict) for use in report(text).uses}


@pytest.mark.parametrize(
    "text",
    [
        "import other.descarteslabs as dl\ndl.Raster()",
        "descarteslabs = 3\nprint(descarteslabs)",
        "from .descarteslabs import catalog\ncatalog",
        "import descarteslabs_tools as dl\ndl.Raster()",
        "def f(dl):\n    return dl.Raster()\n# descarteslabs",
        "import descarteslabs as dl\nfor dl in [1]:\n    dl.Raster",
    ],
)
def test_other_names_are_not_the_old_package(report, text):
    assert report(text).uses == ()


def test_a_client_is_followed_to_its_methods(report):
    text = (
        "import descarteslabs as dl\nclass A:\n    def __init__(self):\n        self.raster = dl.Raster()\n"
    )
    text += "    def tiles(self, shape):\n        return self.raster.dltiles_from_shape(10, 256, 0, shape)\n"
    assert "Raster.dltiles_from_shape" in {use.name for use in report(text).uses}


def test_a_client_that_is_removed_is_rewritten(report):
    text = "import descarteslabs as dl\nstorage = dl.Storage()\nraster = dl.Raster()\n"
    text += "print(storage.exists('k'), raster.raster(ids))\n"
    found = {use.name: use.is_rewritten for use in report(text).uses}
    assert found == {"Storage": True, "Storage.exists": True, "Raster": False, "Raster.raster": False}


def test_products_and_their_sources(report):
    found = report(
        "from descarteslabs.catalog import Product\n"
        "Product.get('esa:sentinel-2:l2a:v1')\n"
        "ids = ['usgs:landsat:oli-tirs:c2:l2:v0:LC08_L2SP_035033', 'landsat:LC08:01:RT:TOAR', '12:30', 'a: b']\n"
        "Product.get_or_create(id='mine:product')\nx = 'mine:other'\n"
    ).products
    assert [(one.known.product, one.known.source, one.known.is_gone, one.place.line) for one in found] == [
        ("esa:sentinel-2:l2a:v1", "earth-search", False, 2),
        ("usgs:landsat:oli-tirs:c2:l2:v0", "planetary-computer", False, 3),
        ("landsat:LC08:01:RT:TOAR", None, True, 3),
    ]


@pytest.mark.parametrize(
    "product", ["landsat:LC08:01:T1:TOAR", "modis:09:CREFL:v1", "airbus:oneatlas:spot:v2"]
)
def test_a_product_without_a_source_has_advice(product):
    found = find_product(product)
    assert found.is_gone
    assert found.note


def test_what_replaces_a_product_has_a_source():
    words = {word.strip("(),;") for _, note in GONE_PRODUCTS for word in note.split()}
    products = {word for word in words if ":" in word}
    assert len(products) > 5
    assert {product for product in products if find_product(product) is None} == set()
    assert not [product for product in products if find_product(product).is_gone]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("print(1)\n", 0),
        ("from descarteslabs.catalog import Image\nImage.get('a:b')\n", 0),
        ("import descarteslabs as dl\ns, c = dl.scenes.search(a, 'a:b')\nprint(len(s))\n", 0),
        ("import descarteslabs as dl\ndl.workflows.compute(1)\n", 1),
        ("import descarteslabs as dl\ndl.catalog.Product.get('landsat:LC08:01:RT:TOAR')\n", 1),
        ("import descarteslabs as dl\nprint 'x'\n", 2),
    ],
)
def test_exit_codes(tmp_path, text, code):
    path = tmp_path / "script.py"
    path.write_text(text)
    done = CliRunner().invoke(main, ["port", str(path), "--json"])
    assert done.exit_code == code
    assert json.loads(done.stdout)["exit_code"] == code
    assert CliRunner().invoke(main, ["port", str(tmp_path)]).exit_code == code


def test_a_source_that_does_not_exist_is_an_error_of_the_call(tmp_path, monkeypatch):
    monkeypatch.setenv("LANDBRIDGE_SOURCES", "nowhere")
    path = tmp_path / "script.py"
    path.write_text("from descarteslabs.catalog import Product\nProduct.get('of:no:source')\n")
    done = CliRunner().invoke(main, ["port", str(path)])
    assert done.exit_code == 2
    assert "nowhere" in done.output


def test_the_report_for_people(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(
        "import descarteslabs as dl\nscenes, ctx = dl.scenes.search(a, 'landsat:LE07:01:T1:TOAR')\n"
        "print(len(scenes), dl.catalog.Image)\ndl.places.shape('x')\n"
    )
    done = CliRunner().invoke(main, ["port", str(path)])
    lines = done.stdout.splitlines()
    assert "  Catalog: 1 use runs as it is: catalog.Image" in lines
    assert "  Scenes: 1 use is carried by an adapter: scenes.search" in lines
    assert "    1 of 1 can be rewritten with --write" in lines
    assert "  Places: 1 use is gone: places.shape" in lines
    assert any(line.startswith("  product landsat:LE07:01:T1:TOAR: gone; ") for line in lines)
    assert lines[-1] == (
        "1 file read: 1 uses the old package, 1 to change with --write, 1 needs a person, 0 could not be read."
    )


def test_without_the_distribution_the_command_says_what_to_install(monkeypatch):
    import importlib

    def missing(name, package=None):
        raise ModuleNotFoundError(f"No module named {name!r}", name="landbridge.porting")

    monkeypatch.setattr(importlib, "import_module", missing)
    done = CliRunner().invoke(main, ["port", "script.py"])
    assert done.exit_code == 1
    assert "pip install landbridge-descarteslabs" in done.output
