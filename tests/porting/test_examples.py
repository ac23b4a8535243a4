"""Examples in the docstrings of the old services and their arguments."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

from porting.conftest import Fields

PARTS = ("arguments", "catalog_client", "metadata", "old_keys", "raster", "storage")


def examples():
    """Return the docstrings with examples, by module and name."""
    found = {}
    for part in PARTS:
        package = importlib.import_module(f"landbridge.porting.{part}")
        names = [f"{package.__name__}.{one.name}" for one in pkgutil.iter_modules(package.__path__)]
        for module in map(importlib.import_module, names):
            for name, value in vars(module).items():
                own = getattr(value, "__module__", None) == module.__name__
                if own and ">>> " in (text := inspect.getdoc(value) or ""):
                    found[f"{module.__name__}.{name}"] = text
    return found


EXAMPLES = examples()
NEEDS_STACK = [name for name, text in EXAMPLES.items() if "docs" in text]


def run(name, text):
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
    runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


def test_the_clients_have_examples():
    assert {name.rpartition(".")[2] for name in NEEDS_STACK} >= {"Catalog", "Metadata", "Raster", "Storage"}


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in NEEDS_STACK])
def test_an_example_without_a_service_runs(name):
    run(name, EXAMPLES[name])


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore:.* is deprecated. Use:DeprecationWarning")
@pytest.mark.parametrize("name", NEEDS_STACK)
def test_an_example_runs(name, fields: Fields):
    text = EXAMPLES[name].replace("local:docs-fields:2024-01", fields.image("january"))
    run(name, text.replace("local:docs-fields", fields.id))


def test_methods_document_their_parameters():
    """A table has the texts of parameters that several methods share."""
    from landbridge.porting import metadata, raster

    for method in (
        raster.Raster.ndarray,
        raster.Raster.stack,
        metadata.Metadata.search,
        metadata.Metadata.summary,
    ):
        text = inspect.getdoc(method)
        names = [one for one in inspect.signature(method).parameters if one != "self"]
        section = text.partition("Parameters\n----------\n")[2].partition("\n\nReturns\n")[0]
        assert [line.split(" : ")[0] for line in section.splitlines() if not line.startswith(" ")] == names
    assert "limit : int, default 100\n    Maximum" in inspect.getdoc(metadata.Metadata.search)
