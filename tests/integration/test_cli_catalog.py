"""`landbridge catalog` on the live stack (semantics 12.6)."""

import json
import subprocess
import sys
import uuid

import pytest
from click.testing import CliRunner

from landbridge.catalog import Blob, CatalogClient, ClassBand, MaskBand, Product, SpectralBand
from landbridge.cli import main


@pytest.fixture(scope="module", autouse=True)
def client(stack):
    CatalogClient.clear_all_default_clients()
    yield CatalogClient.get_default_client()
    CatalogClient.clear_all_default_clients()


@pytest.fixture(scope="module")
def tag():
    """Return the tag of the products of this module, which no other product has."""
    return f"cli-{uuid.uuid4().hex[:6]}"


@pytest.fixture(scope="module")
def products(tag):
    """Four products: one of the service's own, two tiers, and access lists of their own."""
    attributes = (
        {"is_core": True, "product_tier": "premium", "tags": [tag, "first"]},
        {"product_tier": "standard", "tags": [tag], "owners": ["org:local", "user:ann"]},
        {"tags": [tag], "writers": ["user:ann"], "readers": ["group:all"]},
        {"tags": [tag, "last"], "readers": ["user:ann", "user:bob"]},
    )
    made = [
        Product(id=f"{tag}-{number}", name=f"Product {number}", **one)
        for number, one in enumerate(attributes)
    ]
    for product in made:
        product.save()
    return made


@pytest.fixture(scope="module")
def banded(products):
    """The first product, with three bands."""
    product = products[0]
    spectral = {"data_type": "UInt16", "data_range": (0, 10000), "display_range": (0, 4000)}
    SpectralBand(name="red", product=product, band_index=0, tags=["color"], **spectral).save()
    MaskBand(name="alpha", product=product, band_index=1, data_type="Byte").save()
    labels = ["no", "yes"]
    ClassBand(
        name="cloud",
        product=product,
        band_index=2,
        data_type="Byte",
        class_labels=labels,
        data_range=(0, 1),
        display_range=(0, 1),
    ).save()
    return product


@pytest.fixture
def shared(tag):
    """The id of a product whose access lists may be changed."""
    product = Product(id=f"shared-{uuid.uuid4().hex[:6]}", name="Shared")
    product.save()
    return product.id


def run(*arguments):
    return CliRunner().invoke(main, ["catalog", *arguments])


def listed(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def numbers(lines, tag):
    """Return the numbers of this module's products with which the lines begin."""
    return [int(line.removeprefix(f"local:{tag}-")[0]) for line in lines if line.startswith(f"local:{tag}-")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [0, 1, 2, 3]),
        (["--all"], [0, 1, 2, 3]),
        (["--core"], [0]),
        (["--user"], [1, 2, 3]),
        (["--product-tier", "premium"], [0]),
        (["--product-tier", "standard"], [1]),
        (["--owners", "user:ann"], [1]),
        (["--owners", "user:ann", "--owners", "user:nobody"], [1]),
        (["--writers", "user:ann"], [2]),
        (["--readers", "group:all"], [2]),
        (["--readers", "user:bob", "--readers", "group:all"], [2, 3]),
        (["--access-id", "user:ann"], [1, 2, 3]),
        (["--access-id", "user:ann", "--owners", "user:ann"], [1]),
        (["--limit", "2"], [0, 1]),
        (["--limit", "0"], []),
    ],
)
def test_products_are_filtered_12_6(products, tag, options, expected):
    for output in ("id", "short"):
        lines = listed("products", "list", "--tags", tag, "--output", output, *options)
        assert numbers(lines, tag) == expected
        assert len(lines) == len(expected)


def test_products_by_id_and_by_any_of_several_tags_12_6(products, tag):
    ids = [products[3].id, products[0].id]
    assert listed("products", "list", "--ids", ids[0], "--ids", ids[1], "--output", "id") == sorted(ids)
    lines = listed("products", "list", "--tags", "first", "--tags", "last", "--ids", ids[0], "--ids", ids[1])
    assert numbers(lines, tag) == [0, 3]


def test_the_short_output_is_the_default_and_names_a_product_12_6(products, tag):
    assert listed("products", "list", "--ids", products[1].id) == [f"local:{tag}-1\tProduct 1"]


def test_the_json_output_is_one_array_of_whole_objects_12_6(products, tag):
    document = json.loads(run("products", "list", "--tags", tag, "--output", "json").stdout)
    assert [one["id"] for one in document] == [product.id for product in products]
    assert document[0]["product_tier"] == "premium"
    assert document[1]["owners"] == ["org:local", "user:ann"]
    assert document[0] == {"id": products[0].id, **Product.get(products[0].id).serialize()}
    assert json.loads(run("products", "list", "--ids", "local:none", "--output", "json").stdout) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["red", "alpha", "cloud"]),
        (["--type", "mask"], ["alpha"]),
        (["--type", "generic"], []),
        (["--name", "cloud"], ["cloud"]),
        (["--tags", "color"], ["red"]),
        (["--limit", "2"], ["red", "alpha"]),
    ],
)
def test_bands_are_filtered_12_6(banded, options, expected):
    lines = listed("bands", "list", banded.id, "--output", "id", *options)
    assert lines == [f"{banded.id}:{name}" for name in expected]


def test_bands_are_described_12_6(banded):
    assert listed("bands", "list", banded.id)[0] == f"{banded.id}:red\tspectral\tUInt16"
    document = json.loads(run("bands", "list", banded.id, "--output", "json").stdout)
    assert [one["type"] for one in document] == ["spectral", "mask", "class"]
    assert document[2]["class_labels"] == ["no", "yes"]


def test_bands_of_an_unknown_product_are_a_usage_error_12_6():
    result = run("bands", "list", "local:none")
    assert result.exit_code == 2
    assert "There is no product 'local:none'." in result.stderr


@pytest.mark.parametrize("role", ["owner", "writer", "reader"])
def test_subjects_are_added_and_removed_12_6(shared, role):
    before = list(getattr(Product.get(shared), f"{role}s"))
    added = run("products", f"add-{role}", shared, "user:ann")
    assert added.exit_code == 0, added.output
    assert "user:ann is now a" in added.stdout
    assert getattr(Product.get(shared), f"{role}s") == [*before, "user:ann"]

    again = run("products", f"add-{role}", shared, "user:ann")
    assert again.exit_code == 0
    assert "already" in again.stdout
    assert getattr(Product.get(shared), f"{role}s") == [*before, "user:ann"]

    removed = run("products", f"remove-{role}", shared, "user:ann")
    assert removed.exit_code == 0
    assert getattr(Product.get(shared), f"{role}s") == before

    absent = run("products", f"remove-{role}", shared, "user:ann")
    assert absent.exit_code == 2
    assert f"user:ann is not a{'n' if role == 'owner' else ''} {role} of {shared}" in absent.stderr


@pytest.mark.parametrize("verb", ["add", "remove"])
@pytest.mark.parametrize("role", ["owner", "writer", "reader"])
def test_an_unknown_product_is_a_usage_error_12_6(verb, role):
    result = run("products", f"{verb}-{role}", "local:none", "user:ann")
    assert result.exit_code == 2
    assert "There is no product 'local:none'." in result.stderr


def test_a_subject_that_the_service_refuses_is_a_message_and_exit_code_1_12_4_12_6(shared):
    result = run("products", "add-owner", shared, "ann")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "owners" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("products", "list", "--product-tier", "gold"),
        ("products", "list", "--output", "xml"),
        ("products", "list", "--limit", "many"),
        ("bands", "list", "local:x", "--type", "optical"),
        ("bands", "list"),
        ("blobs", "list", "--storage-type", "tape"),
        ("products", "add-owner", "local:x"),
    ],
)
def test_wrong_arguments_are_usage_errors_12_6(arguments):
    assert run(*arguments).exit_code == 2


def test_blobs_are_listed_and_shared_12_6():
    namespace = f"local:{uuid.uuid4().hex}"
    for name in ("a/one", "a/two", "b"):
        Blob(name=name, namespace=namespace, tags=[name]).upload_data("text")
    one = f"data/{namespace}/a/one"
    listed = run("blobs", "list", "--namespace", namespace, "--prefix", "a/", "--output", "id")
    assert sorted(listed.stdout.split()) == [one, f"data/{namespace}/a/two"]
    assert run("blobs", "list", "--ids", one, "--output", "id").stdout.split() == [one]
    assert run("blobs", "list", "--namespace", namespace, "--tags", "b", "--output", "id").stdout.split() == [
        f"data/{namespace}/b"
    ]
    assert run("blobs", "add-reader", one, "user:ann").exit_code == 0
    assert Blob.get(one).readers == ["user:ann"]
    assert run("blobs", "remove-reader", one, "user:ann").exit_code == 0
    assert Blob.get(one).readers == []
    assert run("blobs", "add-reader", f"data/{namespace}/missing", "user:ann").exit_code == 2


def test_a_service_that_is_away_is_a_message_and_exit_code_1():
    CatalogClient.set_default_client(CatalogClient("http://127.0.0.1:9", retries=0))
    try:
        result = run("products", "list")
    finally:
        CatalogClient.clear_all_default_clients()
    assert result.exit_code == 1
    assert "could not be reached" in result.stderr


def test_the_command_runs_in_a_process_of_its_own(products, tag):
    command = [sys.executable, "-m", "landbridge.cli", "catalog", "products", "list", "--tags", tag]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert numbers(done.stdout.splitlines(), tag) == [0, 1, 2, 3]
