"""Semantics section 1 against the live stack: saving, reading, changing and deleting."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from integration.conftest import stac_item
from landbridge.catalog import (
    Band,
    CatalogClient,
    DeletedObjectError,
    Image,
    MaskBand,
    Product,
    SpectralBand,
)
from landbridge.exceptions import BadRequestError, ConflictError, NotFoundError


def test_a_saved_product_has_the_services_values_1_11_1_12_14_1(new_id):
    short = new_id()
    product = Product(
        id=short, name="P", start_datetime="2012-01-01", tags=["a"], extra_properties={"k": [1, None]}
    )
    product.save()
    assert product.id == f"local:{short}" == Product.namespace_id(short)
    assert product.state == "saved"
    assert product.start_datetime == datetime(2012, 1, 1, tzinfo=UTC)
    assert product.created is not None
    assert product.created == product.modified
    assert product.owners == ["user:local", "org:local"]
    assert (product.readers, product.writers, product.is_core) == ([], [], False)
    assert product.user_is_owner()
    assert Product.get(product.id) == product


def test_only_changes_are_sent_1_10(product):
    other = Product.get(product.id)
    other.description = "by the other"
    other.save()
    product.name = "by this one"
    product.save()
    again = Product.get(product.id)
    assert (again.name, again.description) == ("by this one", "by the other")
    assert again == product
    assert again.modified > again.created


def test_a_value_set_to_none_is_taken_away(product):
    product.update(description="d", tags=["a"])
    product.save()
    product.update(description=None, tags=None)
    product.save()
    again = Product.get(product.id)
    assert again.description is None
    assert not again.tags


def test_request_params_are_sent_in_every_state_1_10(product):
    product.save(request_params={"description": "forced"})
    assert product.description == "forced"
    assert Product.get(product.id).description == "forced"


def test_the_old_name_of_request_params_still_works_1_10(product):
    with pytest.warns(FutureWarning, match="request_params"):
        product.save(extra_attributes={"description": "forced"})
    assert Product.get(product.id).description == "forced"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("name", "n" * 2001),
        ("description", "d" * 80001),
        ("tags", ["t"] * 33),
        ("tags", ["t" * 1001]),
        ("extra_properties", {str(number): number for number in range(51)}),
    ],
)
def test_a_value_that_is_too_long_is_a_bad_request_2_11(new_id, attribute, value):
    with pytest.raises(BadRequestError, match=attribute):
        Product(**{"id": new_id(), "name": "x"} | {attribute: value}).save()


def test_an_existing_id_is_a_conflict_1_13(product):
    with pytest.raises(ConflictError):
        Product(id=product.id, name="again").save()


@pytest.mark.parametrize(
    "attributes", [{"name": "x"}, {"id": "objects-bad", "name": "x", "start_datetime": "junk"}]
)
def test_missing_or_invalid_values_are_bad_requests_1_13_14_1(attributes):
    with pytest.raises(BadRequestError, match=r"id|start_datetime"):
        Product(**attributes).save()


def test_reload_reads_changes_of_other_clients_1_14(product):
    other = Product.get(product.id)
    other.name = "new"
    other.save()
    product.reload()
    assert product.name == "new"


def test_a_vanished_object_is_a_deleted_one_1_16(product):
    objects = [Product.get(product.id) for _ in range(3)]
    assert Product.delete(product.id) is True
    reload, save, delete = objects
    save.name = "x"
    for use, one in ((reload.reload, reload), (save.save, save), (delete.delete, delete)):
        with pytest.raises(DeletedObjectError):
            use()
        assert one.state == "deleted"


def test_delete_on_instance_and_class_1_17(product, new_id):
    assert product.delete() is None
    assert product.state == "deleted"
    assert Product.get(product.id) is None
    assert Product.delete(product.id) is False
    other = Product(id=new_id(), name="x")
    other.save()
    assert Product.delete(other.id) is True
    assert Band.delete(other.named_id("b")) is False
    assert Image.delete(other.named_id("i")) is False


def test_a_product_in_use_is_not_deleted_1_17(banded):
    with pytest.raises(ConflictError):
        banded.delete()
    with pytest.raises(ConflictError):
        Product.delete(banded.id)
    assert banded.state == "saved"


def test_missing_objects_are_none_1_18(product):
    for missing in (
        Product.get("local:none"),
        Band.get("local:none:b"),
        Image.get("x:y"),
        Image.get("nocolon"),
    ):
        assert missing is None
    assert product.get_band("none") is None
    assert product.get_image("none") is None


def test_get_many_keeps_the_order_asked_1_19(new_id):
    ids = [Product.namespace_id(new_id()) for _ in range(3)]
    for one in ids:
        Product(id=one, name=one).save()
    wanted = [ids[2], ids[0], ids[1]]
    assert [one.id for one in Product.get_many(wanted)] == wanted
    with pytest.raises(NotFoundError, match="local:none"):
        Product.get_many([*wanted, "local:none"])
    assert [one.id for one in Product.get_many([ids[1], "local:none"], ignore_missing=True)] == [ids[1]]


def test_get_many_of_images_and_bands_1_19(masked, remote):
    for name in "abc":
        remote(masked, name)
    wanted = [masked.named_id(name) for name in "cab"]
    assert [one.id for one in Image.get_many(wanted)] == wanted
    bands = [masked.named_id(name) for name in ("alpha", "red")]
    assert [one.id for one in Band.get_many(bands)] == bands
    assert [one.name for one in SpectralBand.get_many(bands)] == ["red"]
    with pytest.raises(NotFoundError, match="none"):
        SpectralBand.get_many([*bands, masked.named_id("none")])


def test_get_or_create_never_saves_1_20(product, new_id):
    new = Product.get_or_create(Product.namespace_id(new_id()), name="N")
    assert (new.state, new.name) == ("unsaved", "N")
    assert not Product.exists(new.id)
    assert Product.get_or_create(product.id, name=product.name).state == "saved"
    assert Product.get_or_create(product.id, name="other").state == "modified"
    with pytest.raises(AttributeError):
        Product.get_or_create(product.id, nonsense=1)  # type: ignore[call-arg]


def test_lookups_take_the_id_literally_1_21(product):
    short = product.id.removeprefix("local:")
    assert Product.exists(product.id) is True
    assert Product.exists(short) is False
    assert Product.get(short) is None
    assert Product.delete(short) is False
    assert Product.get_many([short], ignore_missing=True) == []


def test_a_client_of_ones_own_1_27(product, stack):
    from landbridge.auth import Auth

    own = CatalogClient(stack.url, auth=Auth(token=stack.token))
    assert Product.get(product.id, client=own)._client is own
    anonymous = CatalogClient(stack.private_url)
    assert Product.get(product.id, client=anonymous).id == product.id
    with pytest.raises(Exception, match=r"(?i)token|auth"):
        Product(id="objects-anonymous", name="x", client=anonymous).save()
    own.close()
    anonymous.close()


def test_images_are_saved_changed_and_deleted(product, remote):
    image = remote(product, "i", cloud_fraction="0.25", tags=["a"], extra_properties={"k": {"deep": [1]}})
    assert image.state == "saved"
    assert (image.id, image.product) == (product.named_id("i"), product)
    image.extra_properties["k"]["deep"].append(2)
    image.cloud_fraction = 0.5
    image.save()
    again = product.get_image("i")
    assert again == image
    assert again.extra_properties == {"k": {"deep": [1, 2]}}
    assert again.product.id == product.id
    with pytest.raises(ConflictError):
        remote(product, "i")
    image.delete()
    assert product.get_image("i") is None


def test_two_clients_changing_one_image_both_win_1_10(product, remote):
    remote(product, "i")
    one, other = product.get_image("i"), product.get_image("i")
    one.cloud_fraction = 0.1
    other.satellite_id = "S"
    one.save()
    other.save()
    again = product.get_image("i")
    assert (again.cloud_fraction, again.satellite_id) == (0.1, "S")


def test_files_and_extra_properties_change_without_the_record(product, remote):
    image = remote(product, "i", files=[{"href": "https://example.org/a.tif"}])
    image = product.get_image("i")
    assert image.files[0].href == "https://example.org/a.tif"
    image.files[0].provider_id = "7"
    image.extra_properties = {"a": 1}
    image.save()
    again = product.get_image("i")
    assert again.files[0].provider_id == "7"
    assert again.extra_properties == {"a": 1}


def test_an_image_needs_its_product_to_exist():
    with pytest.raises((BadRequestError, NotFoundError)):
        Image(
            id="local:none:i",
            acquired="2020-01-01",
            storage_state="remote",
            geometry={"type": "Point", "coordinates": [0, 0]},
        ).save()


def test_bands_and_images_have_namespaces_of_their_own_3_2_3_4(banded, remote):
    remote(banded, "red")
    band, image = banded.get_band("red"), banded.get_image("red")
    assert band.id == image.id == banded.named_id("red") == f"{banded.id}:red"
    assert (type(band), type(image)) == (SpectralBand, Image)
    image.delete()
    assert banded.get_band("red") == band


def test_objects_found_together_share_their_product_2_14(banded, remote, client, monkeypatch):
    for name in "abc":
        remote(banded, name)
    asked = []
    plain = client.request
    monkeypatch.setattr(
        client, "request", lambda method, path, **kwargs: asked.append(path) or plain(method, path, **kwargs)
    )
    images = list(banded.images())
    assert len({id(image.product) for image in images}) == 1
    assert images[0].product.id == banded.id
    assert {band.product.id for band in banded.bands()} == {banded.id}
    image = banded.get_image("a")
    assert image.product is image.product
    assert [path.split("/")[-1] for path in asked].count(banded.id) == 2, "once for the search, once for get"


# Bands
def test_bands_get_their_defaults_14_4_14_3(masked):
    bands = list(masked.bands())
    assert [type(band) for band in bands] == [SpectralBand, SpectralBand, MaskBand]
    assert [band.sort_order for band in bands] == [0, 1, 2]
    assert [band.file_index for band in bands] == [0, 0, 0]
    assert bands[2].data_range == bands[2].display_range == (0, 1)
    assert bands[2].is_alpha is True
    masked.reload()
    assert masked.resolution_min == masked.resolution_max
    assert (masked.resolution_min.value, masked.resolution_min.unit) == (30, "meters")


def test_get_returns_bands_of_its_class_only_1_18(masked):
    assert type(Band.get(masked.named_id("alpha"))) is MaskBand
    assert SpectralBand.get(masked.named_id("alpha")) is None
    assert MaskBand.get(masked.named_id("alpha")).name == "alpha"


def test_a_band_is_changed_and_deleted(banded):
    band = banded.get_band("red")
    band.update(description="rouge", wavelength_nm_min=620, resolution="10m")
    band.save()
    again = banded.get_band("red")
    assert again == band
    assert (again.description, again.wavelength_nm_min, again.resolution.value) == ("rouge", 620, 10)
    assert banded.get_band("nir").resolution.value == 30
    band.delete()
    assert band.state == "deleted"
    assert [one.name for one in banded.bands()] == ["nir"]
    with pytest.raises(DeletedObjectError):
        again.save(request_params={"description": "x"})
    assert Band.delete(banded.named_id("nir")) is True


def test_a_band_of_the_same_name_is_a_conflict(banded):
    with pytest.raises(ConflictError, match="red"):
        SpectralBand(
            name="red",
            product=banded,
            data_type="Byte",
            band_index=5,
            data_range=(0, 1),
            display_range=(0, 1),
        ).save()


def test_two_clients_changing_one_band_both_win(banded):
    one, other = banded.get_band("red"), banded.get_band("red")
    one.description = "d"
    other.vendor_order = 4
    one.save()
    other.save()
    again = banded.get_band("red")
    assert (again.description, again.vendor_order) == ("d", 4)


def test_many_clients_adding_bands_at_once_all_succeed(product, stack):
    from landbridge.auth import Auth

    def add(index):
        client = CatalogClient(stack.url, auth=Auth(token=stack.token))
        SpectralBand(
            name=f"b{index}",
            product_id=product.id,
            data_type="UInt16",
            band_index=index,
            data_range=(0, 1),
            display_range=(0, 1),
            client=client,
        ).save()
        client.close()

    with ThreadPoolExecutor(6) as executor:
        list(executor.map(add, range(12)))
    bands = list(product.bands())
    assert {band.name for band in bands} == {f"b{index}" for index in range(12)}
    assert sorted(band.sort_order for band in bands) == list(range(12))


def test_edits_of_bands_and_product_at_once_lose_nothing(banded):
    def edit(index):
        if index % 2:
            band = banded.get_band("red" if index % 4 == 1 else "nir")
            band.save(request_params={"vendor_order": index})
        else:
            product = Product.get(banded.id)
            product.save(request_params={"description": str(index)})

    with ThreadPoolExecutor(6) as executor:
        list(executor.map(edit, range(24)))
    assert banded.bands().count() == 2
    assert banded.get_band("red").vendor_order % 4 == 1
    assert banded.get_band("nir").vendor_order % 4 == 3
    assert Product.get(banded.id).description.isdigit()


def store_names_with_colons(http, product, *bands):
    """Store bands of these names and an image i:j, as other programs may."""
    path = f"/collections/{product.id}"
    document = http.get(path).json()
    document["bands"] = [{"name": name, "data_type": "uint8"} for name in bands]
    http.put(path, json=document).raise_for_status()
    http.post(f"{path}/items", json=stac_item(product.id, "i:j")).raise_for_status()
    product.reload()


def test_bands_and_images_of_others_with_colons_in_their_names_are_changed_and_deleted(http, product):
    store_names_with_colons(http, product, "r:x", "plain")
    band = Band.get(f"{product.id}:r:x")
    assert (band.product_id, band.name) == (product.id, "r:x")
    assert [one.name for one in product.bands()] == ["r:x", "plain"]
    band.description = "changed"
    band.save()
    band.reload()
    assert Band.get(band.id).description == "changed"
    (image,) = product.images()
    assert image.name == "i:j"
    image.tags = ["t"]
    image.save()
    image.reload()
    assert image.tags == ["t"]
    image.delete()
    band.delete()
    assert [one.name for one in product.bands()] == ["plain"]
    assert Band.delete(f"{product.id}:plain")
    product.delete()
    assert Product.get(product.id) is None


def test_a_product_with_such_bands_and_images_is_deleted_with_all_that_is_in_it(http, product):
    store_names_with_colons(http, product, "r:x", "a / b")
    task = product.delete_related_objects()
    task.wait_for_completion(60)
    assert task.status == "SUCCESS"
    product.delete()
    assert Product.get(product.id) is None
