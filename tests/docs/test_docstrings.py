"""Checks that the docstrings of the public API have all their sections, and runs their examples."""

import doctest
import enum
import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

import landbridge.catalog
import landbridge.geo
import landbridge.porting
import landbridge.utils
from landbridge.catalog import Blob, CatalogClient, Image, Product, SpectralBand, properties
from landbridge.catalog.model.attributes import Attribute

MODULES = (
    "landbridge.catalog",
    "landbridge.catalog.events",
    "landbridge.geo",
    "landbridge.maps",
    "landbridge.utils",
    "landbridge.exceptions",
    "landbridge.auth",
)
# Public classes that users get from others: from `images.each`, from `p.name == "x"`.
MORE = (
    ("landbridge.catalog.model.collection", "Collection"),
    ("landbridge.catalog.model.collection", "Eacher"),
    ("landbridge.utils.properties", "Property"),
    ("landbridge.utils.expressions", "Expression"),
)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PRODUCT = "docs-fields"
AREA = {
    "type": "Polygon",
    "coordinates": [
        [[-108.0, 38.90], [-107.99, 38.90], [-107.99, 38.905], [-108.0, 38.905], [-108.0, 38.90]]
    ],
}


def public_names(modules):
    """Return (module, name) of all public names."""
    return [(module, name) for module in modules for name in importlib.import_module(module).__all__]


def public_members(names):
    """Return the public classes and functions, and their public methods and properties that we define."""
    found = {}
    for module, name in names:
        subject = getattr(importlib.import_module(module), name)
        if inspect.isfunction(subject):
            found[f"{module}.{name}"] = subject
        elif inspect.isclass(subject):
            found[f"{module}.{name}"] = subject
            for owner in subject.__mro__:
                if not owner.__module__.startswith("landbridge."):
                    continue
                for member, value in vars(owner).items():
                    if not member.startswith("_") and is_documented(value):
                        found.setdefault(f"{owner.__module__}.{owner.__qualname__}.{member}", value)
    return found


def own_names(package):
    """Return (module, name) of the public names that the modules of a package define."""
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    modules = [module.name for module in found if not module.name.endswith(".__main__")]
    names = public_names(name for name in modules if hasattr(importlib.import_module(name), "__all__"))
    return [
        (module, name)
        for module, name in names
        if getattr(getattr(importlib.import_module(module), name), "__module__", module) == module
    ]


def is_documented(value):
    kinds = (staticmethod, classmethod, property, Attribute)
    return inspect.isfunction(value) or isinstance(value, kinds) or hasattr(value, "_on_instance")


def function_of(value):
    if isinstance(value, (staticmethod, classmethod)):
        return value.__func__
    return getattr(value, "_on_instance", value)


MEMBERS = public_members([*public_names(MODULES), *MORE])
ADAPTERS = public_members(own_names(landbridge.porting))
CLASSES = {name: value for name, value in MEMBERS.items() if inspect.isclass(value)}
FUNCTIONS = {
    name: function_of(value) for name, value in MEMBERS.items() if inspect.isfunction(function_of(value))
}
VALUES = {name: value for name, value in MEMBERS.items() if isinstance(value, (property, Attribute))}


def sections(docstring):
    """Return the lines of each section of a numpy-style docstring; the key "" has those before the first."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    found = {"": []}
    current = ""
    for number, line in enumerate(lines):
        if number + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[number + 1]):
            current = line
            found[current] = []
        elif not re.fullmatch(r"-{3,}", line):
            found[current].append(line)
    return found


def documented_parameters(lines):
    """Return the names in a Parameters section: before the colon, separated by commas."""
    heads = [line.split(" : ")[0] for line in lines if line and not line.startswith(" ")]
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


def has_result(function):
    returned = function.__annotations__.get("return")
    return returned not in (None, "None")


def faults(names, check):
    """Return the names whose docstring fails a check. A test for each would take longer than its check."""
    found = {}
    for name in names:
        try:
            check(name)
        except AssertionError as error:
            found[name] = str(error)
    return found


def check_parameters(name):
    function = FUNCTIONS[name]
    parameters = [one for one in inspect.signature(function).parameters if one not in ("self", "cls", "_cls")]
    documented = documented_parameters(sections(function.__doc__).get("Parameters", []))
    assert documented == [one for one in parameters if not one.startswith("_")]


def test_a_docstring_documents_the_parameters_of_the_signature():
    assert faults(FUNCTIONS, check_parameters) == {}


def check_sections(name):
    function = FUNCTIONS[name]
    found = sections(function.__doc__)
    assert re.match(r"[A-Z][a-z]+ .*[.:]$", found[""][0]), found[""][:1]
    assert not re.match(r"(What|Whether|How|Where|Which|Who|The|A|An) ", found[""][0])
    if has_result(function):
        assert "Returns" in found or "Yields" in found
    assert any(line.startswith(">>> ") for line in found.get("Examples", []))


def test_a_docstring_has_a_summary_a_result_and_an_example():
    assert faults(FUNCTIONS, check_sections) == {}


def check_phrase(name):
    subject = MEMBERS[name]
    assert subject.__doc__, name
    first = inspect.cleandoc(subject.__doc__).splitlines()[0]
    assert re.match(r"[A-Z0-9(`]", first), first
    assert not re.match(r"(What|Whether|How|Where|When|Which|Who|It|Its) ", first), first


def test_a_docstring_of_a_value_or_class_is_a_noun_phrase():
    assert faults({**VALUES, **CLASSES}, check_phrase) == {}


def own_parameters(cls):
    """Return the parameters of a constructor; none if it takes only attributes, or is another error's."""
    constructor = next((owner for owner in cls.__mro__ if "__init__" in vars(owner)), object)
    if not constructor.__module__.startswith("landbridge.") or issubclass(cls, enum.Enum):
        return []
    found = inspect.signature(constructor.__init__).parameters.values()
    names = [one.name for one in found if one.name != "self" and not one.name.startswith("_")]
    inherited = issubclass(cls, Exception) and constructor is not cls
    return [] if inherited or names == ["kwargs"] else names


def check_constructor(name):
    documented = documented_parameters(sections(CLASSES[name].__doc__).get("Parameters", []))
    parameters = own_parameters(CLASSES[name])
    # Attributes are keyword arguments: documented each by itself, except for the client.
    assert [one for one in documented if one != "client" or one in parameters] == parameters


def test_a_docstring_of_a_class_documents_the_parameters_of_its_constructor():
    assert faults([name for name in CLASSES if own_parameters(CLASSES[name])], check_constructor) == {}


def examples():
    finder = doctest.DocTestParser()
    found = {}
    for name, subject in {**MEMBERS, **ADAPTERS}.items():
        text = inspect.cleandoc(function_of(subject).__doc__ or "")
        if ">>> " in text:
            found[name] = finder.get_doctest(text, {}, name, name, 0)
    return found


EXAMPLES = examples()
NEEDS_STACK = [name for name in EXAMPLES if name.startswith(("landbridge.catalog.", "landbridge.porting."))]


def namespace():
    names = {name: getattr(landbridge.catalog, name) for name in landbridge.catalog.__all__}
    names |= {name: getattr(landbridge.geo, name) for name in landbridge.geo.__all__}
    names |= {name: getattr(landbridge.utils, name) for name in landbridge.utils.__all__}
    return {**names, "p": properties, "np": np, "area": AREA}


def run(name, names):
    test = EXAMPLES[name]
    test.globs = names
    report = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
    runner.run(test, out=report.append, clear_globs=False)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in NEEDS_STACK])
def test_an_example_without_a_service_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    run(name, namespace())


def remove_examples():
    for product in list(Product.search().filter(properties.id.prefix("local:docs-"))):
        deletion = product.delete_related_objects()
        if deletion is not None:
            deletion.wait_for_completion(timeout=60)
        product.delete()
    Blob.delete_many([blob.id for blob in Blob.search().filter(properties.namespace == "local:docs")])


def write_scene(path, level, nodata_rows=0):
    """Write four bands of 40 by 50 pixels of 30 m; the first rows hold no data."""
    pixels = np.stack([np.full((40, 50), level * band, "uint16") for band in (1, 2, 3, 4)])
    pixels[:, :nodata_rows] = 0
    profile = {"driver": "GTiff", "width": 50, "height": 40, "count": 4, "dtype": "uint16", "nodata": 0}
    place = {"crs": "EPSG:32612", "transform": from_origin(759_900, 4_310_700, 30, 30)}
    with rasterio.open(path, "w", **profile, **place) as file:
        file.write(pixels)


@pytest.fixture(scope="module")
def catalog(stack, tmp_path_factory):
    """Make a product of four bands with three images, and a blob."""
    folder = tmp_path_factory.mktemp("fields")
    CatalogClient.clear_all_default_clients()
    remove_examples()
    product = Product(id=PRODUCT, name="Fields", tags=["docs"])
    product.save()
    for index, name in enumerate(("red", "green", "blue", "nir")):
        SpectralBand(
            product=product,
            name=name,
            band_index=index,
            data_type="UInt16",
            nodata=0,
            data_range=(0, 10000),
            display_range=(0, 4000),
            physical_range=(0, 1),
            resolution="30m",
        ).save()
    uploads = []
    for month, cloud in ((1, 0.1), (4, 0.6), (7, 0.2)):
        path = folder / f"2024-{month:02}.tif"
        write_scene(path, 100 * month, nodata_rows=10 if month == 7 else 0)
        image = Image(product=product, name=f"2024-{month:02}", acquired=f"2024-{month:02}-15T10:00:00Z")
        image.cloud_fraction = cloud
        uploads.append(image.upload(str(path)))
    for upload in uploads:
        upload.wait_for_completion(timeout=120)
        assert upload.status == "success", upload.events
    Blob(namespace="docs", name="notes.txt", geometry=AREA, tags=["docs"]).upload_data("first\nsecond\n")
    yield
    remove_examples()
    CatalogClient.clear_all_default_clients()


MADE = {
    "client": CatalogClient.get_default_client,
    "product": lambda: Product.get(f"local:{PRODUCT}"),
    "band": lambda: SpectralBand.get(f"local:{PRODUCT}:red"),
    "image": lambda: Image.get(f"local:{PRODUCT}:2024-01"),
    "images": lambda: Product.get(f"local:{PRODUCT}").images().intersects(AREA).sort("acquired").collect(),
    "search": lambda: Product.get(f"local:{PRODUCT}").images(),
    "blob": lambda: Blob.get(namespace="docs", name="notes.txt"),
}


@pytest.mark.filterwarnings("ignore:.* is deprecated. Use:DeprecationWarning")
@pytest.mark.parametrize("name", NEEDS_STACK)
def test_an_example_with_the_catalog_runs(name, catalog, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_scene("scene.tif", 100)
    source = EXAMPLES[name].docstring
    used = {name: make() for name, make in MADE.items() if re.search(rf"\b{name}\b", source)}
    run(name, {**namespace(), **used})


def test_the_members_of_an_enumeration_are_its_values():
    for value in CLASSES.values():
        if issubclass(value, enum.Enum):
            assert all(member == member.value for member in value)
