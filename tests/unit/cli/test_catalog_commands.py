"""`landbridge catalog` without a service: what is imported, offered and asked (semantics 12.6)."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from landbridge.catalog import Blob, CatalogClient, Product
from landbridge.cli import main
from landbridge.cli.catalog import COMMANDS
from landbridge.cli.catalog.common import filtered, reported, write
from landbridge.exceptions import MethodNotAllowedError, NotFoundError

ACCESS = [f"{verb}-{role}" for verb in ("add", "remove") for role in ("owner", "writer", "reader")]
OFFERED = {
    "products": {
        "list": "ids kind product_tier access_id owners writers readers tags limit output",
        **dict.fromkeys(ACCESS, "id subject"),
    },
    "bands": {"list": "product_id type name tags limit output"},
    "blobs": {
        "list": "ids storage_type namespace prefix access_id owners writers readers tags limit output",
        **dict.fromkeys(ACCESS, "id subject"),
    },
}


@pytest.fixture(autouse=True)
def client():
    CatalogClient.set_default_client(CatalogClient("http://127.0.0.1:9", retries=0))
    yield
    CatalogClient.clear_all_default_clients()


def run(*arguments):
    return CliRunner().invoke(main, ["catalog", *arguments])


def test_the_commands_and_their_options_12_6():
    context = click.Context(main)
    catalog = main.get_command(context, "catalog")
    groups = {name: catalog.get_command(context, name) for name in catalog.list_commands(context)}  # type: ignore[attr-defined]
    offered = {
        name: {
            one: list(dict.fromkeys(parameter.name for parameter in command.params))
            for one, command in group.commands.items()
        }
        for name, group in groups.items()
    }
    assert offered == {
        name: {one: parameters.split() for one, parameters in commands.items()}
        for name, commands in OFFERED.items()
    }


def test_help_imports_no_object_api():
    code = """
import sys
from landbridge.cli import main
for arguments in (["catalog", "--help"], ["catalog", "products", "list", "--help"]):
    main(arguments, standalone_mode=False)
assert "landbridge.catalog" not in sys.modules
assert not {"numpy", "httpx"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, None),
        ({"id": (), "is_core": None, "tags": ()}, None),
        ({"is_core": False}, {"eq": {"is_core": False}}),
        ({"id": ("a",)}, {"eq": {"id": "a"}}),
        ({"tags": ("a", "b")}, {"or": [{"eq": {"tags": "a"}}, {"eq": {"tags": "b"}}]}),
        (
            {"is_core": True, "product_tier": "premium"},
            {"and": [{"eq": {"is_core": True}}, {"eq": {"product_tier": "premium"}}]},
        ),
        (
            {"access_id": "user:a"},
            {"or": [{"eq": {name: "user:a"}} for name in ("owners", "writers", "readers")]},
        ),
    ],
)
def test_options_become_filters_12_6(options, expected):
    expression = filtered(Product.search(), **options)._expression
    assert (None if expression is None else expression.serialize()) == expected


def test_the_outputs_12_6(capsys):
    products = [Product(id="a", name="A"), Product(id="b", name="B", tags=["x"])]
    for output in ("id", "short", "json"):
        write(products, None, output, lambda product: (product.id, product.name))
    assert capsys.readouterr().out == (
        'a\nb\na\tA\nb\tB\n[\n{"id": "a", "name": "A"},\n{"id": "b", "name": "B", "tags": ["x"]}\n]\n'
    )
    write([], None, "json", lambda _: ())
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (
            "list",
            "--storage-type",
            "data",
            "--namespace",
            "local:x",
            "--prefix",
            "a/",
            "--access-id",
            "user:a",
        ),
        *((command, "data/local:x/y", "user:a") for command in ACCESS),
    ],
)
def test_what_the_service_says_of_blobs_is_passed_on(monkeypatch, arguments):
    def refuse(*_args, **_kwargs):
        raise MethodNotAllowedError("No blobs here.")

    monkeypatch.setattr(Blob, "get", refuse)
    monkeypatch.setattr(Blob, "search", refuse)
    result = run("blobs", *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: No blobs here.\n")


def test_an_error_without_a_message_is_named():
    with pytest.raises(click.ClickException, match="NotFoundError"), reported():
        raise NotFoundError
