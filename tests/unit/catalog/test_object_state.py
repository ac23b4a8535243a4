"""Semantics section 1: the states of an object, without a service."""

from datetime import datetime

import pytest

from landbridge.catalog import (
    AttributeValidationError,
    Band,
    Blob,
    CatalogObject,
    ClassBand,
    DeletedObjectError,
    DocumentState,
    GenericBand,
    Image,
    ImageUpload,
    MaskBand,
    MicrowaveBand,
    NamedCatalogObject,
    Product,
    SpectralBand,
    UnsavedObjectError,
)
from landbridge.catalog.catalog_object import CatalogObjectBase
from landbridge.mappings import image as image_mapping


def test_states_are_lower_case_texts_1_1(saved_product):
    assert Product().state == "unsaved"
    product = saved_product()
    assert product.state == "saved"
    product.name = "other"
    assert product.state == "modified"
    assert isinstance(product.state, DocumentState)


def test_a_bare_object_is_not_modified_but_unsaved_1_2():
    assert Product().is_modified is False
    assert Product().state == DocumentState.UNSAVED


@pytest.mark.parametrize("kwargs", [{"id": "x"}, {"name": "x"}, {"description": None}])
def test_any_keyword_makes_an_object_modified_1_2(kwargs):
    assert Product(**kwargs).is_modified is True


def test_an_equal_value_keeps_an_object_saved_1_3(saved_product):
    product = saved_product(name="P", tags=["a"], start_datetime="2020-01-01T00:00:00Z")
    product.name = "P"
    product.tags = ["a"]
    product.start_datetime = "2020-01-01"
    product.description = None
    assert product.state == "saved"


def test_changing_back_stays_modified_1_3(saved_product):
    product = saved_product(name="P")
    product.name = "Q"
    product.name = "P"
    assert product.state == "modified"


def test_every_attribute_reads_none_until_set_1_4():
    product, image, band = Product(), Image(), SpectralBand()
    assert all(getattr(product, name) is None for name in Product.ATTRIBUTES)
    assert all(getattr(image, name) is None for name in Image.ATTRIBUTES)
    assert [name for name in SpectralBand.ATTRIBUTES if getattr(band, name) is not None] == ["type"]
    with pytest.raises(AttributeError):
        product.tags.append("x")


def test_unknown_names_are_refused_but_private_ones_are_free_1_5():
    with pytest.raises(AttributeError, match="Product has no attribute color"):
        Product(color="red")  # type: ignore[call-arg]
    product = Product()
    with pytest.raises(AttributeError, match="color"):
        product.color = "red"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="color"):
        product.update(color="red")  # type: ignore[call-arg]
    product._color = "red"  # type: ignore[attr-defined]
    assert product._color == "red"  # type: ignore[attr-defined]


def test_unknown_attributes_from_the_service_are_dropped_1_5(client):
    item = image_mapping.to_stac({"id": "local:p:i", "acquired": "2020-01-02T00:00:00Z"})
    item["properties"] |= {"color": "red", "eo:snow_cover": 5}
    image = Image._from_record(item | {"color": "red"}, client)
    assert not hasattr(image, "color")
    assert "color" not in image.serialize()


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        *((Product, name) for name in ("created", "modified", "resolution_min", "resolution_max")),
        *((ImageUpload, name) for name in ("events", "user", "resumable_urls", "created")),
    ],
)
def test_readonly_attributes_cannot_be_set_1_6(cls, name):
    with pytest.raises(AttributeValidationError, match=name):
        cls(**{name: "2020-01-01"})
    with pytest.raises(ValueError, match=name):
        setattr(cls(), name, None)


def test_an_id_is_set_once_even_to_the_same_value_1_7():
    product = Product(id="x")
    with pytest.raises(AttributeValidationError, match="id"):
        product.id = "x"


def test_identity_of_named_objects_tolerates_the_same_value_1_7():
    image = Image(id="p:x")
    image.id, image.name, image.product_id = "p:x", "x", "p"
    for name, value in (("id", "p:y"), ("name", "y"), ("product_id", "q")):
        with pytest.raises(AttributeValidationError, match="cannot become"):
            setattr(image, name, value)


def test_other_immutable_attributes_are_set_once_1_7(saved_product):
    product, image = saved_product(), Image(name="x")
    image.product = product
    image.product = product
    with pytest.raises(AttributeValidationError, match="product"):
        image.product = saved_product(id="local:q")
    with pytest.raises(AttributeValidationError, match="product"):
        image.product_id = "local:q"
    mask = MaskBand(display_range=(0, 1))
    upload = ImageUpload(product_id="p", image_id="p:i", image=Image(id="p:i"), image_upload_options={})
    for owner, name in (
        (mask, "display_range"),
        *((upload, name) for name in ("product_id", "image_id", "image", "image_upload_options")),
    ):
        with pytest.raises(AttributeValidationError, match=name):
            setattr(owner, name, getattr(owner, name))


def test_removed_attributes_are_never_sent_1_8(saved_product):
    new = Product(id="x", name="X", description="text")
    del new.description
    assert "description" not in new._to_service(new._set_names())
    changed = saved_product(description="text")
    changed.description = "other"
    del changed.description
    assert changed.serialize(modified_only=True) == {}
    assert changed.state == "saved"


def test_del_removes_a_value_without_a_change_1_8(saved_product):
    product = saved_product(description="text")
    del product.description
    assert product.description is None
    assert product.state == "saved"
    assert "description" not in product.serialize()
    for name in ("id", "created"):
        with pytest.raises(AttributeValidationError):
            delattr(product, name)


def test_update_is_all_or_nothing_1_9(saved_product):
    product = saved_product(name="P")
    with pytest.raises(AttributeValidationError):
        product.update(name="Q", description="d", is_core=True, image_index_name=1)
    assert (product.name, product.description, product.state) == ("P", None, "saved")
    with pytest.raises(AttributeError):
        product.update(name="Q", nonsense=1)
    assert product.state == "saved"


def test_the_rollback_of_an_update_is_shallow_1_9(saved_product):
    product = saved_product(tags=["a"])
    product.tags.append("b")
    with pytest.raises(AttributeError):
        product.update(name="Q", tags=["c"], nonsense=1)
    assert (product.tags, product.name, product.state) == (["a", "b"], "P", "modified")
    product.tags.append("d")
    assert product.serialize(modified_only=True) == {"tags": ["a", "b", "d"]}


def test_update_can_ignore_refused_values_1_9(saved_product):
    product = saved_product(name="P")
    product.update(ignore_errors=True, name="Q", image_index_name=1, nonsense=1)
    assert (product.name, product.image_index_name) == ("Q", None)
    assert product.state == "modified"


def test_saving_a_saved_object_makes_no_request_1_10(saved_product):
    saved_product().save()


def test_save_takes_no_unknown_keyword_and_warns_of_the_old_one_1_10(saved_product):
    with pytest.raises(TypeError, match="nonsense"):
        saved_product().save(nonsense=1)
    with pytest.warns(FutureWarning, match="request_params"):
        saved_product().save(extra_attributes={})


def test_an_object_has_the_services_values_and_its_sticky_attributes_1_11(saved_product, client):
    product = saved_product()
    image = Image(product=product, name="i", acquired="2020-01-02", tags=["a"], cloud_fraction=0.5)
    image._load(image_mapping.to_stac({"id": "local:p:i", "acquired": "2020-01-03T00:00:00Z"}))
    assert image.product is product
    assert (image.acquired.day, image.tags, image.cloud_fraction) == (3, None, None)
    upload = ImageUpload(id="1", image=Image(id="p:i"), image_upload_options={"overviews": [2]})
    kept = upload.image
    upload._load({"id": "1", "image_id": "p:i", "status": "pending"})
    assert upload.image is kept
    assert upload.image_upload_options.overviews == [2]


def test_an_unsaved_product_keeps_its_short_id_1_12():
    assert Product(id="x").id == "x"


def test_only_saved_objects_reload_1_14(saved_product):
    with pytest.raises(ValueError, match="unsaved"):
        Product(id="x").reload()
    product = saved_product()
    product.name = "Q"
    with pytest.raises(ValueError, match="modified"):
        product.reload()


def test_deleted_objects_can_be_read_and_set_but_not_used_1_15(saved_product):
    product = saved_product(name="P")
    product._deleted = True
    assert product.state == "deleted"
    assert product.name == "P"
    product.name = "Q"
    for use in (
        product.save,
        product.reload,
        product.delete,
        product.update,
        product.bands,
        product.images,
        lambda: product.get_band("b"),
        lambda: product.get_image("i"),
    ):
        with pytest.raises(DeletedObjectError):
            use()


def test_deleted_images_and_bands_cannot_be_used_1_15(saved_image, saved_band):
    image, band = saved_image(), saved_band()
    image._deleted = band._deleted = True
    assert image.name == "i"
    band.description = "d"
    for use in (
        image.save,
        image.image_uploads,
        lambda: image.upload("x.tif"),
        lambda: image.upload_ndarray(None),
        lambda: image.ndarray("red"),
        lambda: image.download("red"),
        band.save,
        band.reload,
        band.delete,
    ):
        with pytest.raises(DeletedObjectError):
            use()


def test_an_unsaved_object_cannot_be_deleted_1_17():
    with pytest.raises(UnsavedObjectError):
        Product(id="x").delete()


def test_the_class_of_a_band_follows_its_type_1_18(saved_band):
    assert type(saved_band(type="mask", data_range=[0, 1])).__name__ == "MaskBand"
    assert type(saved_band(type="spectral")).__name__ == "SpectralBand"


@pytest.mark.parametrize("ids", ["x", ("x",), [1], None])
def test_get_many_takes_a_list_of_texts_1_19(ids):
    with pytest.raises(TypeError, match="list of texts"):
        Product.get_many(ids)


@pytest.mark.parametrize("cls", [CatalogObjectBase, CatalogObject, NamedCatalogObject, Band])
def test_abstract_classes_are_not_made_1_22(cls):
    with pytest.raises(TypeError, match=cls.__name__):
        cls()


@pytest.mark.parametrize("cls", [CatalogObject, NamedCatalogObject])
def test_abstract_classes_have_no_objects_1_22(cls):
    for use in (cls.get, cls.exists, cls.delete):
        with pytest.raises(TypeError, match=cls.__name__):
            use("x")
    with pytest.raises(TypeError, match=cls.__name__):
        cls.search()


def test_equality_is_by_class_id_state_and_attributes_1_23(saved_product):
    assert saved_product(tags=["a"]) == saved_product(tags=["a"])
    assert saved_product() != saved_product(description="d")
    assert saved_product() != Product(id="local:p", name="P")
    changed = saved_product()
    changed.name = "Q"
    assert changed != saved_product(name="Q")
    with pytest.raises(TypeError, match="unhashable"):
        hash(changed)


def test_serialize_gives_plain_values_1_24(saved_image):
    image = saved_image(
        tags=["a"],
        geometry={"type": "Point", "coordinates": [1, 2]},
        files=[{"href": "x", "size_bytes": 1}],
        storage_state="available",
    )
    plain = image.serialize()
    assert plain["acquired"] == "2020-01-02T00:00:00+00:00"
    assert plain["geometry"] == {"type": "Point", "coordinates": [1, 2]}
    assert plain["files"] == [{"href": "x", "size_bytes": 1}]
    assert type(plain["tags"]) is list
    assert not {"id", "product", "v1_properties"} & set(plain)
    assert SpectralBand(resolution="60m").serialize()["resolution"] == {"value": 60, "unit": "meters"}


def test_serialize_of_the_changes_and_as_jsonapi_1_24(saved_product):
    product = saved_product()
    product.name = "Q"
    assert product.serialize(modified_only=True) == {"name": "Q"}
    document = product.serialize(modified_only=True, jsonapi_format=True)
    assert document == {"data": {"type": "product", "id": "local:p", "attributes": {"name": "Q"}}}


def test_serialize_keeps_naive_dates_and_writes_enums_as_texts_1_24():
    image = Image(acquired=datetime(2020, 1, 2), published="junk", storage_state="remote")  # noqa: DTZ001 - a naive one
    assert image.serialize() == {
        "acquired": "2020-01-02T00:00:00",
        "published": "junk",
        "storage_state": "remote",
    }
    assert type(image.serialize()["storage_state"]) is str


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (Product, "product"),
        (SpectralBand, "band"),
        (MaskBand, "band"),
        (Image, "image"),
        (Blob, "storage"),
        (ImageUpload, "image_upload"),
    ],
)
def test_the_types_of_documents_1_24(cls, name):
    assert cls().serialize(jsonapi_format=True)["data"]["type"] == name


def test_attributes_are_listed_own_first_1_25():
    assert Product.ATTRIBUTES[:2] == ("name", "description")
    assert Product.ATTRIBUTES[-3:] == ("id", "created", "modified")
    assert "v1_properties" not in Product.ATTRIBUTES
    assert Image.ATTRIBUTES[-8:] == (
        "id",
        "name",
        "product_id",
        "product",
        "extra_properties",
        "tags",
        "created",
        "modified",
    )


def test_class_access_gives_the_declaration_1_26():
    assert Product.name.name == "name"
    assert "Display name" in Product.name.__doc__


def test_repr_names_class_id_and_reference_1_28(saved_image, saved_product):
    assert repr(Image(id="p:x")).splitlines() == [
        "Image: x",
        "  id: p:x",
        "  product: p",
        "* Not up-to-date in the catalog. Call `.save()` to save or update this record.",
    ]
    image = saved_image(created="2020-01-02T03:04:05Z")
    assert repr(image).splitlines() == [
        "Image: i",
        "  id: local:p:i",
        "  product: local:p",
        f"  created: {image.created:%c}",
    ]
    product = saved_product()
    product._deleted = True
    assert repr(product).splitlines()[-1].startswith("* Deleted")


@pytest.mark.parametrize("cls", [SpectralBand, MicrowaveBand, MaskBand, ClassBand, GenericBand])
def test_every_kind_of_band_has_processing_levels_13_10(cls):
    band = cls(processing_levels={"a": "b"}, derived_params={"function": "f", "bands": ["x"]})
    assert band.processing_levels == {"a": "b"}
    assert band.derived_params.bands == ["x"]
