"""The tables have every attribute of the Catalog, with its properties."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from landbridge.mappings import markdown, tables

API = Path(__file__).resolve().parents[4] / "shared" / "spec" / "catalog_api.json"
BAND_CLASSES = {
    "SpectralBand": "spectral",
    "MicrowaveBand": "microwave",
    "GenericBand": "generic",
    "ClassBand": "class",
    "MaskBand": "mask",
}
# A reference to another object and a leftover of an older API; neither is stored.
NOT_STORED = {"product", "v1_properties"}
# Ids, names and namespaces can be filtered and sorted by here, which the Catalog left out; and all access
# lists can be filtered by, as its own command line asks.
BEYOND = {"id", "name", "namespace", "readers", "writers"}

# The types of pixels that GDAL has and the API did not.
BEYOND_TYPES = {"int8", "int64", "uint64", "float16"}

ATTRIBUTES = {
    "product": """id name description is_core revisit_period_minutes_min revisit_period_minutes_max
        start_datetime end_datetime resolution_min resolution_max default_display_bands
        image_index_name product_tier owners readers writers extra_properties tags created modified""",
    "band": """id name product_id description type sort_order vendor_order data_type nodata data_range
        display_range physical_range physical_range_unit resolution band_index file_index jpx_layer_index
        vendor_band_name processing_levels derived_params wavelength_nm_center wavelength_nm_min
        wavelength_nm_max wavelength_nm_fwhm frequency bandwidth colormap_name colormap class_labels is_alpha
        extra_properties tags created modified""",
    "image": """id name product_id geometry cs_code projection geotrans x_pixels y_pixels acquired
        acquired_end published storage_state files area azimuth_angle bits_per_pixel bright_fraction
        brightness_temperature_k1_k2 c6s_dlsr cloud_fraction confidence_dlsr alt_cloud_fraction
        processing_pipeline_id fill_fraction incidence_angle radiance_gain_bias reflectance_gain_bias
        reflectance_scale roll_angle solar_azimuth_angle solar_elevation_angle temperature_gain_bias
        view_angle satellite_id provider_id provider_url preview_url preview_file extra_properties tags
        created modified""",
    "blob": """id storage_type namespace name description geometry storage_state expires href size_bytes hash
        owners readers writers extra_properties tags created modified""",
}


@pytest.mark.parametrize("kind", tables.KINDS)
def test_every_attribute_has_a_row(kind):
    assert set(tables.load(kind).rows) == set(ATTRIBUTES[kind].split())


@pytest.fixture(scope="module")
def api():
    if not API.is_file():
        pytest.skip("the API inventory of ../shared is not here")
    return json.loads(API.read_text(encoding="utf-8"))["modules"]["descarteslabs.catalog"]


@pytest.mark.parametrize(
    ("kind", "class_"),
    [
        ("product", "Product"),
        ("image", "Image"),
        ("blob", "Blob"),
        *(("band", class_) for class_ in BAND_CLASSES),
    ],
)
def test_rows_agree_with_the_api(api, kind, class_):
    attributes = {
        name: attribute
        for name, attribute in api["classes"][class_]["attributes"].items()
        if name not in NOT_STORED
    }
    type_ = BAND_CLASSES.get(class_)
    rows = {name: row for name, row in tables.load(kind).rows.items() if not row.types or type_ in row.types}
    assert set(rows) == set(attributes)
    for name, attribute in attributes.items():
        row = rows[name]
        for flag, key in (("filter", "filterable"), ("sort", "sortable")):
            said = attribute.get(key, False)
            assert getattr(row, flag) == said or (name in BEYOND and not said), f"{name}.{flag}"
        assert row.search == attribute.get("searchable", False), name
        assert row.readonly == attribute.get("readonly", False), name
        if enum := attribute.get("enum"):
            _check_enum(row, api["enums"][enum]["members"].values())


def _check_enum(row, members):
    found = set(row.schema["enum"])
    if row.codec == "data_type":
        found -= BEYOND_TYPES
        names = {"Byte": "uint8"} | {name: name.lower() for name in members if name != "Byte"}
        members = [names[member] for member in members]
    assert found == set(members), row.name


@pytest.mark.parametrize("kind", tables.KINDS)
def test_every_row_is_documented(kind):
    for row in tables.load(kind).rows.values():
        assert row.title
        assert row.doc.endswith(".")
        assert (row.property_name is not None) >= (row.filter or row.sort)


def test_tables_cannot_be_changed():
    row = tables.load("image")["cloud_fraction"]
    with pytest.raises(AttributeError):
        row.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        tables.load("image").rows["x"] = row  # type: ignore[index]
    assert tables.load("image") is tables.load("image")


HEAD = 'document = "Item"\n'
GOOD = '[attributes.a]\nstac = "properties/a"\nschema = { type = "string" }\ntitle = "A"\ndoc = "A."\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("document = ", "not TOML"),
        (GOOD, "document is None"),
        (HEAD, "no .attributes"),
        (HEAD + GOOD.replace("stac", "stack"), "a.stack is unknown"),
        (HEAD + GOOD.replace('title = "A"\n', ""), "a.title is missing"),
        (HEAD + GOOD.replace('"properties/a"', '"properties//a"'), "a.stac is 'properties//a'"),
        (HEAD + GOOD + 'codec = "rot13"\n', "a.codec is 'rot13'"),
        (HEAD + GOOD + 'filter = "yes"\n', "a.filter is 'yes', but must be of type bool"),
        (HEAD + GOOD + 'types = ["red"]\n', "a.types"),
        (HEAD + GOOD + 'overflow = "b"\n', "a.overflow needs a minimum"),
        (HEAD + GOOD.replace('{ type = "string" }', "{}"), "a.schema names neither"),
        (HEAD + GOOD + GOOD.replace("attributes.a", "attributes.b"), "a and b both claim properties/a"),
    ],
)
def test_an_invalid_row_is_named(text, said):
    with pytest.raises(tables.TableError, match=said):
        tables.parse(text, "image")


def test_there_is_no_table_of_other_kinds():
    with pytest.raises(KeyError, match="blobs"):
        tables.load("blobs")


def test_the_documentation_has_a_line_for_each_row():
    text = markdown.table("image")
    assert text.count("\n") == len(tables.load("image").rows) + 2
    assert "| `cloud_fraction` | `properties/eo:cloud_cover` | number | `eo:cloud_cover` | yes |" in text


def test_the_package_needs_the_standard_library_only():
    code = (
        "import sys; import landbridge.mappings as m; m.tables.load('image');"
        "print({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    # `make coverage` measures this process too; a file of XStatic's packages is run by each start of Python.
    others = {"$coverage", "coverage", "tomli", "xstatic"}
    found = {name for name in eval(done.stdout) if not name.startswith("_")}
    assert found <= {"landbridge", "sitecustomize"} | others
