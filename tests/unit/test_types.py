"""Types as a user's type checker sees them."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from landbridge.catalog import properties
from landbridge.catalog.model.attribute_list import ListAttribute
from landbridge.catalog.model.attribute_mapping import ValueAttribute
from landbridge.catalog.model.attributes import BooleanAttribute, EnumAttribute, Model, TypedAttribute
from landbridge.catalog.model.converters import GeometryAttribute, Timestamp
from landbridge.catalog.model.references import CatalogObjectReference
from landbridge.catalog.model.registry import class_of
from landbridge.catalog.model.tuple_attribute import TupleAttribute
from landbridge.catalog.search.catalog_properties import CatalogProperties
from landbridge.catalog.type_hints import keywords

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = REPOSITORY / "tests" / "typed_scripts"
# The folders of the distributions' source, and the one that has the marker of modules beside packages.
SOURCES = [
    REPOSITORY / folder / "landbridge"
    for folder in ("src", "mappings", "stac_api", "src/kernels", "src/porting", "src/raster")
]

_spec = importlib.util.spec_from_file_location("generator", REPOSITORY / "scripts" / "generate_type_hints.py")
generator = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generator)


VALUES = (*generator.CLASSES, *generator.VALUES)
# The value that is read, by the class of an attribute; the first that fits counts.
EXPECTED = (
    (BooleanAttribute, lambda _one: r"bool \| None$"),
    (EnumAttribute, lambda _one: "str"),
    (TupleAttribute, lambda one: r"tuple\[" + (one.attribute_type or float).__name__),
    (CatalogObjectReference, lambda one: class_of(one.document_type).__name__ + "$"),
    (Timestamp, lambda _one: "datetime"),
    (GeometryAttribute, lambda _one: "BaseGeometry"),
    (ListAttribute, lambda _one: r"AttributeList\["),
    (ValueAttribute, lambda one: f"({one.value_class.__name__}|MutableMapping)"),
    (TypedAttribute, lambda one: one.attribute_type.__name__),
)


def pyright(*arguments: object) -> dict:
    """Return the report of pyright, which finds the packages of this environment by its Python."""
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    finished = subprocess.run(
        [programs / "pyright", "--outputjson", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert finished.stdout, finished.stderr
    return json.loads(finished.stdout)


def test_pyright_finds_the_types_and_the_errors_that_users_scripts_expect():
    # `make check` runs mypy on the same scripts.
    report = pyright("-p", SCRIPTS / "pyrightconfig.json")
    assert report["summary"]["filesAnalyzed"] == len(list(SCRIPTS.glob("*.py")))
    found = [
        f"{one['file']}:{one['range']['start']['line'] + 1}: {one['message']}"
        for one in report["generalDiagnostics"]
    ]
    assert found == []


def test_the_keywords_and_properties_are_those_of_the_attributes():
    # Otherwise run scripts/generate_type_hints.py.
    for path, text in generator.generated().items():
        assert path.read_text() == text, path


@pytest.mark.parametrize("model", VALUES, ids=lambda model: model.__name__)
def test_constructors_take_the_attributes_that_can_be_set(model):
    taken = getattr(keywords, f"{model.__name__}Keywords").__optional_keys__
    settable = {name for name, one in model._attribute_types.items() if not one.readonly}
    assert taken == settable - {"id"}


@pytest.mark.parametrize("model", VALUES, ids=lambda model: model.__name__)
def test_the_declared_type_of_an_attribute_is_that_of_its_values(model):
    types = generator.types_of_attributes()
    checked = set()
    for base in model.__mro__:
        for name, kind in generator.declared(base).items() if issubclass(base, Model) else ():
            attribute = vars(base)[name]
            value, accepted = types[kind]
            expected = next((of(attribute) for one, of in EXPECTED if isinstance(attribute, one)), None)
            assert (accepted == "Never") == attribute.readonly, name
            assert expected is None or re.match(expected, value), (name, value, expected)
            checked.add(name)
    assert checked == set(model.ATTRIBUTES)


def test_properties_are_the_attributes_and_any_other_name_is_one_when_it_runs():
    known = {name for model in generator.CLASSES for name in model.ATTRIBUTES}
    assert {name for name in vars(CatalogProperties) if not name.startswith("_")} == known
    assert all(getattr(properties, name).name == name for name in known)
    assert getattr(properties, "unheard_of").name == "unheard_of"  # noqa: B009 - unknown to type checkers


def test_the_scripts_expect_many_types_and_errors():
    text = "".join(script.read_text() for script in SCRIPTS.glob("*.py"))
    assert text.count("assert_type(") >= 60
    assert text.count("# type: ignore[") >= 20


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.parent.name)
def test_every_package_of_a_distribution_says_that_it_is_typed(source):
    packages = [folder for folder in source.iterdir() if (folder / "__init__.py").exists()]
    assert packages
    assert [folder.name for folder in packages if not (folder / "py.typed").exists()] == []
    if list(source.glob("*.py")):  # modules of the namespace itself
        assert (source / "py.typed").exists()
