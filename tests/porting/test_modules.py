"""The module tree of the old clients: every import path and every name."""

import importlib
import pickle
import subprocess
import sys
import types

import pytest

from landbridge.porting.importer import ROOTS
from landbridge.porting.modules import MODULES, Hosted, Instance, Names
from landbridge.porting.stubs import HostedServiceError

ROWS = [(path, entry) for path, entries in MODULES.items() for entry in entries if isinstance(entry, Names)]


def module_name(root, path):
    return f"{root}.{path}" if path else root


# The paths of a root are cases of one test each: a test for each would take longer than what it tests.
@pytest.mark.parametrize("root", ROOTS)
def test_names_are_the_objects_of_the_implementation(root):
    wrong = []
    for path, entry in ROWS:
        module = importlib.import_module(module_name(root, path))
        implementation = importlib.import_module(entry.module)
        names = entry.names or implementation.__all__
        assert names, path
        wrong += [
            (path, name) for name in names if getattr(module, name, None) is not getattr(implementation, name)
        ]
        assert set(names) <= set(module.__all__) <= set(dir(module)), path
    assert wrong == []


@pytest.mark.parametrize("root", ROOTS)
def test_every_module_can_be_imported_and_has_its_own_name(root):
    for path in MODULES:
        module = importlib.import_module(module_name(root, path))
        assert module.__name__ == module_name(root, path)
        assert not hasattr(module, "__no_such_name__"), path


def test_no_module_hides_a_public_name_of_its_package():
    for path, entries in MODULES.items():
        parent, _, name = path.rpartition(".")
        if any(isinstance(entry, Hosted) and not entry.names for entry in entries):
            continue
        others = [entry for entry in MODULES.get(parent, ()) if isinstance(entry, Names)]
        for entry in others:
            if path:
                assert name not in (entry.names or importlib.import_module(entry.module).__all__), path


def test_modules_below_a_package_are_attributes_without_an_import():
    code = (
        "import descarteslabs as dl; dl.geo.AOI; dl.core.common.geo.geocontext.AOI; dl.scenes.geocontext;"
        "print(dl.catalog.Product is dl.core.catalog.product.Product)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "True\n"


def test_a_star_import_gives_the_public_names():
    namespace = {}
    exec("from descarteslabs.core.common.geo import *", namespace)
    assert {"AOI", "DLTile", "GeoContext", "XYZTile"} <= set(namespace)


def test_unknown_modules_and_names_are_import_errors_with_advice():
    with pytest.raises(ModuleNotFoundError, match=r"Did you mean 'descarteslabs.catalog'"):
        importlib.import_module("descarteslabs.catalogue")
    with pytest.raises(ImportError, match="no_such_name"):
        exec("from descarteslabs.catalog import no_such_name")


def test_objects_are_the_same_under_both_roots_and_in_pickles():
    import descarteslabs.scenes.geocontext
    import earthdaily.earthone.geo
    import landbridge.geo

    context = descarteslabs.scenes.geocontext.AOI(bounds=(0, 0, 1, 1), resolution=0.1, crs="EPSG:4326")
    assert isinstance(context, landbridge.geo.AOI)
    assert isinstance(context, earthdaily.earthone.geo.AOI)
    assert pickle.loads(pickle.dumps(context)) == context


@pytest.mark.parametrize("root", ROOTS)
def test_the_version_says_which_api_it_has_and_compares_as_it(root):
    from packaging.version import Version

    version = Version(importlib.import_module(root).__version__)
    assert version.public == ROOTS[root].api_version
    assert version.local.startswith("landbridge.")


@pytest.mark.parametrize("root", ROOTS)
def test_it_refuses_to_be_imported_beside_the_client_itself(root, tmp_path):
    distribution = ROOTS[root].distribution
    information = tmp_path / f"{distribution.replace('-', '_')}-3.2.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 3.2.1\n")
    done = subprocess.run(
        [sys.executable, "-c", f"import {root}"],
        env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"can't be used beside {distribution} 3.2.1" in done.stderr
    assert f"pip uninstall {distribution} landbridge-descarteslabs" in done.stderr


HOSTED = [
    (path, entry) for path, entries in MODULES.items() for entry in entries if isinstance(entry, Hosted)
]


def all_names(path):
    """Return the public names that the rows of a module take from implementations."""
    entries = [entry for entry in MODULES[path] if isinstance(entry, Names)]
    return {name for each in entries for name in each.names or importlib.import_module(each.module).__all__}


@pytest.mark.parametrize(("path", "entry"), HOSTED, ids=lambda value: getattr(value, "service", value))
def test_names_of_hosted_services_raise_with_advice_on_first_use(path, entry):
    module = importlib.import_module(module_name("descarteslabs", path))
    for name in set(entry.names or ("SomeClass",)) - all_names(path):
        stub = getattr(module, name)
        with pytest.raises(HostedServiceError) as raised:
            stub(1, key=2)
        for text in (module.__name__, name, entry.service.name, "hosted service", entry.service.instead):
            assert text in str(raised.value)


def test_the_24_names_of_events_are_in_the_catalog():
    entries = [entry for entry in MODULES["catalog"] if isinstance(entry, Hosted)]
    names = {name for entry in entries for name in entry.names}
    assert len(names) == 24
    assert names <= set(importlib.import_module("descarteslabs.catalog").__all__)


def test_modules_below_a_hosted_service_can_be_imported():
    from descarteslabs.workflows.models import exceptions

    with pytest.raises(HostedServiceError, match=r"descarteslabs\.workflows\.models\.exceptions"):
        exceptions.raise_for_status()


def test_stubs_can_stand_in_annotations_and_pickles():
    from descarteslabs.vector import Table

    def read(table: Table | None, other: "list[Table] | None" = None) -> list[Table]: ...

    assert repr(Table) == "<descarteslabs.vector.Table: Vector no longer exists>"
    assert repr(pickle.loads(pickle.dumps(Table))) == repr(Table)
    assert not hasattr(Table, "__no_such_name__")


def use_as_base(stub):
    types.new_class("Derived", (stub,))


@pytest.mark.parametrize(
    "use",
    [
        lambda stub: stub.attribute,
        lambda stub: setattr(stub, "attribute", 1),
        lambda stub: stub["key"],
        list,
        lambda stub: isinstance(1, stub),
        lambda stub: stub.__enter__(),
        use_as_base,
    ],
)
def test_every_use_of_a_stub_raises(use):
    from descarteslabs.client.services import Places

    with pytest.raises(HostedServiceError, match="Natural Earth"):
        use(Places)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("path", ["metadata", "raster", "storage"])
def test_the_default_client_of_a_service_is_a_module(root, path):
    module = importlib.import_module(module_name(root, path))
    (instance,) = [entry for entry in MODULES[path] if isinstance(entry, Instance)]
    client = getattr(importlib.import_module(instance.module), instance.function)()
    methods = {name for name in dir(type(client)) if not name.startswith("_")}
    assert methods <= set(dir(module))
    for name in methods:
        assert getattr(module, name) == getattr(client, name)
    assert not hasattr(module, "no_such_method")
    assert getattr(importlib.import_module(root), path) is module
