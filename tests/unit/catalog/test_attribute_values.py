"""Semantics section 2: valid values of attributes, and changes inside values."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from landbridge.catalog import (
    AttributeValidationError,
    DataType,
    File,
    GenericBand,
    Image,
    ImageUpload,
    MaskBand,
    ProcessingStepAttribute,
    Product,
    Resolution,
    SpectralBand,
)
from landbridge.exceptions import BadRequestError
from landbridge.mappings import band, image, product, tables
from landbridge.stac_api.documents import normalize

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}


@pytest.mark.parametrize(
    ("cls", "name", "value"),
    [(Image, "x_pixels", 1.0), (SpectralBand, "band_index", "1"), (Product, "name", 1), (Product, "id", 1)],
)
def test_typed_attributes_do_not_coerce_2_1(cls, name, value):
    with pytest.raises(AttributeValidationError, match=name):
        cls(**{name: value})


def test_a_bool_passes_as_an_int_and_none_always_passes_2_1():
    assert SpectralBand(band_index=True).band_index is True
    assert Image(x_pixels=None, cloud_fraction=None).x_pixels is None


def test_float_attributes_coerce_2_1():
    assert Image(cloud_fraction="0.5").cloud_fraction == 0.5
    with pytest.raises(AttributeValidationError, match="cloud_fraction"):
        Image(cloud_fraction="abc")


@pytest.mark.parametrize(("value", "expected"), [("False", True), (None, False), (0, False), (1, True)])
def test_booleans_are_taken_by_their_truth_2_2(value, expected):
    assert Product(is_core=value).is_core is expected


@pytest.mark.parametrize("value", [[1, 2], (1.0, "2"), iter([1, 2])])
def test_ranges_become_tuples_of_floats_2_3(value):
    assert SpectralBand(data_range=value).data_range == (1.0, 2.0)


@pytest.mark.parametrize("value", [None, "12", [1], [1, 2, 3], ["a", "b"], 5])
def test_ranges_of_another_kind_are_refused_2_3(value):
    with pytest.raises(AttributeValidationError, match="data_range"):
        SpectralBand(data_range=value)


def test_mask_ranges_are_set_once_2_3():
    band = MaskBand(name="m")
    assert band.data_range is None
    band.data_range = (0, 1)
    with pytest.raises(AttributeValidationError, match="data_range"):
        band.data_range = (0, 1)


def test_a_geotransform_has_six_numbers_2_3():
    assert Image(geotrans=iter([0, 1, 0, 0, 0, "-1"])).geotrans == (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    for value in ([0, 1, 0, 0, 0], None, "010001"):
        with pytest.raises(AttributeValidationError, match="geotrans"):
            Image(geotrans=value)


def test_unknown_values_of_the_service_are_kept_2_4_2_5(client):
    item = image.to_stac({"id": "local:p:i", "acquired": "2020-01-02T00:00:00Z"})
    item["properties"] |= {
        "datetime": "2020-01-02T03:04:05.123456789Z",
        "catalog:storage_state": "frozen",
    }
    found = Image._from_record(item, client)
    assert found.acquired == datetime(2020, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
    assert found.storage_state == "frozen"
    upload = ImageUpload._from_record({"id": "1", "created": "some day", "status": "lost"}, client)
    assert (upload.created, upload.status) == ("some day", "lost")


def test_enums_are_held_as_texts_2_4(saved_band):
    assert type(SpectralBand(data_type=DataType.BYTE).data_type) is str
    assert SpectralBand(data_type="Byte").data_type == DataType.BYTE
    with pytest.raises(AttributeValidationError, match="UInt16"):
        SpectralBand(data_type="uint16")


DATA_TYPES = {
    "Byte": "uint8",
    "UInt16": "uint16",
    "Int16": "int16",
    "UInt32": "uint32",
    "Int32": "int32",
    "Float32": "float32",
    "Float64": "float64",
    "Int8": "int8",
    "Int64": "int64",
    "UInt64": "uint64",
    "Float16": "float16",
}


def test_every_data_type_has_its_stac_type_and_schemas_that_take_it():
    assert {str(one) for one in DataType} == set(DATA_TYPES)
    rows = tables.load("band").rows
    assert set(rows["data_type"].schema["enum"]) == set(DATA_TYPES.values())
    steps = rows["processing_levels"].schema["additionalProperties"]["items"]["properties"]
    assert set(steps["data_type"]["enum"]) == set(DATA_TYPES)
    assert set(rows["derived_params"].schema["properties"]["source_type"]["enum"]) == set(DATA_TYPES)


@pytest.mark.parametrize(("data_type", "stac"), DATA_TYPES.items())
def test_a_data_type_is_the_one_that_was_stored(data_type, stac):
    collection = product.to_stac({"id": "local:p", "name": "P"})
    sent = {
        "name": "b",
        "type": "generic",
        "data_type": SpectralBand(data_type=data_type).data_type,
        "data_range": [0, 1],
        "display_range": [0, 1],
        "band_index": 0,
    }
    stored = normalize.collection({**collection, "bands": [band.to_stac(sent)]})
    assert stored["bands"][0]["data_type"] == stac
    assert stored["item_assets"]["b"]["raster:bands"][0]["data_type"] == stac
    (read,) = band.list_from_collection(stored)
    assert read["data_type"] == data_type


def test_timestamps_are_kept_as_assigned_2_5():
    assert Image(acquired="2020-01-01").acquired == "2020-01-01"
    assert Image(acquired="garbage").acquired == "garbage"


def test_timestamps_from_the_service_are_utc_2_5(saved_image):
    image = saved_image(acquired="2020-01-02T03:04:05.678901Z")
    assert image.acquired == datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2012", "2012-01-01T00:00:00Z"),
        ("2012-02", "2012-02-01T00:00:00Z"),
        ("2012-02-03", "2012-02-03T00:00:00Z"),
        ("2012-02-03T04:05:06+02:00", "2012-02-03T02:05:06Z"),
        ("2020-01-09 14:12:35.2387465+00:00", "2020-01-09T14:12:35.238746Z"),
        (date(2012, 2, 3), "2012-02-03T00:00:00Z"),
        (datetime.fromisoformat("2012-02-03"), "2012-02-03T00:00:00Z"),
        (datetime(2012, 2, 3, tzinfo=timezone(timedelta(hours=1))), "2012-02-02T23:00:00Z"),
    ],
)
def test_timestamps_are_sent_in_utc_2_5_14_1(value, sent):
    assert Image(acquired=value)._to_service(["acquired"]) == {"acquired": sent}


def test_a_junk_timestamp_is_a_bad_request_that_names_the_attribute_14_1():
    with pytest.raises(BadRequestError, match="'acquired' is 'garbage'"):
        Image(acquired="garbage")._to_service(["acquired"])


@pytest.mark.parametrize(
    "value",
    [
        SQUARE,
        {"type": "Feature", "geometry": SQUARE, "properties": {}},
        shapely.box(0, 0, 1, 1),
        type("Geo", (), {"__geo_interface__": SQUARE})(),
    ],
)
def test_geometries_become_shapely_2_6(value):
    assert Image(geometry=value).geometry.equals(shapely.box(0, 0, 1, 1))


def test_a_feature_collection_becomes_a_geometry_collection_2_6():
    feature = {"type": "Feature", "geometry": SQUARE, "properties": {}}
    image = Image(geometry={"type": "FeatureCollection", "features": [feature, feature]})
    assert image.geometry.geom_type == "GeometryCollection"


FLAT = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [2, 0], [0, 0]]]}


@pytest.mark.parametrize("value", ["POINT (1 2)", 5, {"type": "Nonsense", "coordinates": []}, {}, FLAT])
def test_no_geometry_is_refused_2_6(value):
    with pytest.raises(AttributeValidationError, match="geometry"):
        Image(geometry=value)


def test_a_flat_shapely_polygon_is_accepted_2_6():
    assert Image(geometry=shapely.geometry.shape(FLAT)).geometry is not None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("60m", (60, "meters")),
        ("1.2 deg.", (1.2, "degrees")),
        ("60 metres", (60, "meters")),
        ("0.1°", (0.1, "degrees")),
        ({"value": 5, "unit": "meters"}, (5, "meters")),
        (Resolution(value=5, unit="degrees"), (5, "degrees")),
    ],
)
def test_resolutions_are_parsed_2_7(value, expected):
    resolution = SpectralBand(resolution=value).resolution
    assert (resolution.value, resolution.unit) == expected


@pytest.mark.parametrize("value", [60, 60.0, "60", "60 feet", "m", []])
def test_a_resolution_needs_its_unit_2_7(value):
    with pytest.raises(AttributeValidationError):
        SpectralBand(resolution=value)


def test_resolutions_equal_by_value_and_unit_2_7():
    assert Resolution("60m") == Resolution(value=60, unit="meters")
    assert Resolution("60m") != Resolution("60 deg")


def test_lists_are_copied_and_compare_to_lists_2_8():
    given_tags = ["b", "a"]
    product = Product(tags=given_tags)
    assert product.tags == given_tags
    assert product.tags is not given_tags
    assert type(product.tags[0:1]) is list
    assert product.tags + ["c"] == ["b", "a", "c"]  # noqa: RUF005 - the operator is tested
    assert ["c"] + product.tags == ["c", "b", "a"]  # noqa: RUF005 - as above
    assert Product(tags=iter("ab")).tags == ["a", "b"]


@pytest.mark.parametrize("value", ["text", 5, {"a": 1}, [1], [None, 2]])
def test_lists_of_another_kind_are_refused_2_8(value):
    with pytest.raises(AttributeValidationError, match="tags"):
        Product(tags=value)


EDITS = {
    "append": lambda tags: tags.append("z"),
    "insert": lambda tags: tags.insert(0, "z"),
    "extend": lambda tags: tags.extend(["z"]),
    "del": lambda tags: tags.__delitem__(0),
    "set": lambda tags: tags.__setitem__(0, "z"),
    "slice": lambda tags: tags.__setitem__(slice(0, 1), ["y", "z"]),
    "pop": lambda tags: tags.pop(),
    "remove": lambda tags: tags.remove("a"),
    "clear": lambda tags: tags.clear(),
    "reverse": lambda tags: tags.reverse(),
    "sort": lambda tags: tags.sort(),
    "multiply": lambda tags: tags.__imul__(2),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_of_a_list_modifies_its_owner_2_8(saved_product, edit):
    product = saved_product(tags=["b", "a"])
    edit(product.tags)
    assert product.state == "modified"
    assert product.serialize(modified_only=True) == {"tags": product.tags}


@pytest.mark.parametrize(
    "edit",
    [
        lambda tags: tags.sort(),
        lambda tags: tags.extend([]),
        lambda tags: tags.__setitem__(0, "a"),
        lambda tags: tags.__imul__(1),
    ],
)
def test_an_edit_without_effect_modifies_nothing_2_8(saved_product, edit):
    product = saved_product(tags=["a", "b"])
    edit(product.tags)
    assert product.state == "saved"


def test_a_refused_edit_changes_nothing_2_8(saved_product):
    product = saved_product(tags=["a"])
    with pytest.raises(AttributeValidationError):
        product.tags.extend(["b", 3])
    assert product.tags == ["a"]
    assert product.state == "saved"


@given(st.lists(st.text(max_size=3), max_size=6), st.data())
def test_lists_behave_as_lists_2_8(values, data):
    tags, model = Product(tags=values).tags, list(values)
    for _ in range(4):
        name = data.draw(st.sampled_from(["append", "insert", "reverse", "sort", "slice", "extend"]))
        if name == "append":
            tags.append("x")
            model.append("x")
        elif name == "insert":
            place = data.draw(st.integers(-7, 7))
            tags.insert(place, "y")
            model.insert(place, "y")
        elif name == "slice":
            piece = slice(*data.draw(st.tuples(st.integers(-5, 5), st.integers(-5, 5))))
            tags[piece] = ["q"]
            model[piece] = ["q"]
        elif name == "extend":
            tags.extend(["m", "n"])
            model.extend(["m", "n"])
        else:
            getattr(tags, name)()
            getattr(model, name)()
        assert tags == model
        assert list(tags) == model


def test_mapping_values_are_held_by_reference_2_9(saved_band):
    resolution = Resolution("60m")
    one, other = saved_band(), saved_band()
    one.resolution = resolution
    other.resolution = resolution
    one._modified.clear()
    other._modified.clear()
    resolution.value = 30
    assert one.resolution is resolution
    assert (one.state, other.state) == ("modified", "modified")


def test_a_list_of_one_object_is_shared_with_another_2_9(saved_product):
    one, other = saved_product(tags=["a"]), saved_product()
    other.tags = one.tags
    other._modified.clear()
    one.tags.append("b")
    assert other.tags == ["a", "b"]
    assert (one.state, other.state) == ("modified", "modified")


def test_a_value_replaced_no_longer_belongs_to_the_object_2_9(saved_product):
    product = saved_product(tags=["a"])
    old = product.tags
    product.tags = ["b"]
    product._modified.clear()
    old.append("c")
    assert product.tags == ["b"]
    assert product.state == "saved"


def test_values_of_readonly_attributes_are_frozen_2_9(saved_product):
    product = saved_product()
    product._service = {**product._service_values(), "resolution_min": {"value": 30, "unit": "meters"}}
    with pytest.raises(AttributeValidationError, match="resolution_min"):
        product.resolution_min.value = 10
    with pytest.raises(AttributeValidationError, match="resolution_min"):
        del product.resolution_min.value
    assert product.resolution_min.value == 30


def test_values_in_immutable_attributes_are_frozen_everywhere_2_9():
    from landbridge.catalog import ImageUploadOptions

    options = ImageUploadOptions(overviews=[2])
    ImageUpload(image_upload_options=options)
    upload = ImageUpload(image_upload_options=options)
    with pytest.raises(AttributeValidationError, match="image_upload_options"):
        options.overviews.append(4)
    assert upload.image_upload_options.overviews == [2]


def test_files_are_made_from_mappings_2_10():
    image = Image(files=[{"href": "x"}, File(href="y")])
    assert image.files == [File(href="x"), File(href="y")]
    with pytest.raises(AttributeError, match="nonsense"):
        Image(files=[{"nonsense": 1}])


def test_an_edit_of_a_file_modifies_the_image_2_9(saved_image):
    image = saved_image(files=[{"href": "x"}])
    image.files[0].size_bytes = 5
    assert image.serialize(modified_only=True) == {"files": [{"href": "x", "size_bytes": 5}]}


@pytest.mark.parametrize("value", [1, 1.5, "text", True, None, [1, {"a": None}], {"a": {"b": [1, 2]}}])
def test_extra_properties_take_any_json_2_11_13_1(value):
    product = Product(extra_properties={"key": value})
    assert product.extra_properties == {"key": value}
    assert product.serialize()["extra_properties"] == {"key": value}


@pytest.mark.parametrize("value", [{"a": object()}, {1: "a"}, {"a": [set()]}, "text", 5])
def test_extra_properties_refuse_other_values_than_json_2_11(value):
    with pytest.raises(AttributeValidationError):
        Product(extra_properties=value)


@pytest.mark.parametrize(
    "edit",
    [
        lambda extra: extra.update(new=1),
        lambda extra: extra.pop("list"),
        lambda extra: extra["list"].append(3),
        lambda extra: extra["deep"]["list"][0].__setitem__("a", 2),
    ],
)
def test_edits_of_extra_properties_are_noticed_at_any_depth_2_11(saved_product, edit):
    product = saved_product(extra_properties={"list": [1], "deep": {"list": [{"a": 1}]}})
    edit(product.extra_properties)
    assert product.state == "modified"


def test_processing_levels_are_aliases_or_steps_2_12(saved_band):
    band = saved_band()
    band.processing_levels = {
        "default": "toa",
        "toa": [{"function": "gain_bias", "parameter": "reflectance_gain_bias", "data_range": [0, 1]}],
    }
    step = band.processing_levels["toa"][0]
    assert isinstance(step, ProcessingStepAttribute)
    assert step.data_range == (0.0, 1.0)
    band._modified.clear()
    step.index = 3
    assert band.state == "modified"


@pytest.mark.parametrize("value", [{"a": 1}, {"a": [1]}, {"a": [{"nonsense": 1}]}, {1: "a"}, "text", 5])
def test_processing_levels_refuse_anything_else_2_12(value):
    with pytest.raises(AttributeValidationError):
        SpectralBand(processing_levels=value)


def test_derived_params_need_function_and_bands_2_12():
    assert GenericBand(derived_params={"function": "f", "bands": ["a"]}).derived_params.bands == ["a"]
    for value in ({}, {"function": "f"}, {"bands": ["a"]}):
        with pytest.raises(AttributeValidationError, match="derived_params"):
            GenericBand(derived_params=value)


def test_a_product_reference_is_a_saved_product_2_13(saved_product):
    product = saved_product()
    image = Image(product=product, name="x")
    assert (image.product_id, image.id, image.product) == ("local:p", "local:p:x", product)
    for value in (Product(id="new"), "local:p", None):
        with pytest.raises(AttributeValidationError, match="product"):
            Image(product=value)
    with pytest.raises(AttributeValidationError, match="product_id"):
        Image(product=product, product_id="other")


@pytest.mark.parametrize(
    ("cls", "attributes"),
    [
        (Image, {"id": "local:p:x", "name": "y"}),
        (Image, {"id": "local:p:x", "product_id": "local:q"}),
        (SpectralBand, {"name": "y", "id": "local:p:x"}),
        (SpectralBand, {"product_id": "local:q", "name": "y", "id": "local:p:y"}),
    ],
)
def test_id_name_and_product_id_must_agree_2_13(cls, attributes):
    with pytest.raises(AttributeValidationError, match="cannot become"):
        cls(**attributes)


def test_a_missing_product_is_none_and_asked_for_once_2_14(monkeypatch):
    asked = []
    monkeypatch.setattr(Product, "get", lambda id_, **_: asked.append(id_))
    band = SpectralBand(id="local:none:x")
    assert (band.product, band.product) == (None, None)
    assert asked == ["local:none"]


def test_a_band_carries_its_product_2_14(saved_band):
    assert saved_band().product.id == "local:p"
