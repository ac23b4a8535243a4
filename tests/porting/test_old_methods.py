"""Methods of old clients: names of other versions, refused arguments, warnings and documentation."""

import inspect
import warnings

import pytest

from landbridge.errors import LandbridgeError
from landbridge.porting.arguments.areas import to_dltile, to_geometry
from landbridge.porting.arguments.errors import UnknownArgumentError, UnsupportedArgumentError
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.metadata import Metadata
from landbridge.porting.raster import Raster

ABOUT = {"products": "str: Ids.", "limit": "int: Number.", "flag": "bool: A flag that is on or off."}


class Client:
    @old_method(
        "Image.search()",
        renamed={"product": "products"},
        gone={"place": "Pass a geometry."},
        about=ABOUT,
    )
    def search(self, products, limit=None, flag=False):
        """Return the arguments.

        Returns
        -------
        tuple
            All of them.
        """
        return products, limit, flag

    @old_method("Product().save()", gone={"bucket": "Give files."})
    def add(self, name, **keywords):
        return name, keywords


@pytest.fixture
def client():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield Client()


def test_names_of_other_versions_are_translated(client):
    assert client.search(product="a", limit=3) == ("a", 3, False)
    assert client.search("a", 2, flag=True) == ("a", 2, True)
    assert client.add("a", color="red") == ("a", {"color": "red"})


@pytest.mark.parametrize("nothing", [None, False])
def test_an_argument_that_is_gone_may_ask_for_nothing(client, nothing):
    assert client.search("a", place=nothing) == ("a", None, False)
    assert client.add("a", bucket=nothing) == ("a", {})


def test_no_argument_is_dropped(client):
    with pytest.raises(UnsupportedArgumentError, match=r"Client.search\(\): `place`.*Pass a geometry"):
        client.search("a", place="iowa")
    with pytest.raises(UnsupportedArgumentError, match="Give files"):
        client.add("a", bucket="b")
    with pytest.raises(UnknownArgumentError, match="Did you mean 'products'"):
        client.search("a", prodcts="b")
    with pytest.raises(UnknownArgumentError, match="Known are flag, limit, products"):
        client.search("a", xyz=1)
    for arguments in ({"product": "a", "products": "b"}, {"products": "b", "product": "a"}):
        with pytest.raises(UnknownArgumentError, match="the same argument"):
            client.search(**arguments)
    with pytest.raises(TypeError, match="products"):
        client.search()


def test_the_errors_are_those_of_python_and_ours():
    for error, python in ((UnknownArgumentError, TypeError), (UnsupportedArgumentError, NotImplementedError)):
        assert issubclass(error, python)
        assert issubclass(error, LandbridgeError)


def test_a_call_warns_at_its_line():
    with pytest.warns(
        DeprecationWarning, match=r"Client.add is deprecated. Use Product\(\).save\(\)"
    ) as caught:
        Client().add("a")
    assert [one.filename for one in caught] == [__file__]


def test_a_table_documents_the_parameters_of_a_signature():
    assert inspect.getdoc(Client.search) == (
        "Return the arguments.\n\n"
        "Parameters\n----------\n"
        "products : str\n    Ids.\n"
        "limit : int, optional\n    Number.\n"
        "flag : bool, default False\n    A flag that is on or off.\n\n"
        "Returns\n-------\ntuple\n    All of them."
    )


@pytest.mark.parametrize(
    "method",
    [
        Metadata.search,
        Metadata.features,
        Metadata.ids,
        Metadata.summary,
        Raster.ndarray,
        Raster.stack,
        Raster.raster,
    ],
)
def test_methods_document_all_their_parameters(method):
    names = [one for one in inspect.signature(method).parameters if one != "self"]
    section = inspect.getdoc(method).partition("Parameters\n----------\n")[2].partition("\n\nReturns\n")[0]
    assert [line.split(" : ")[0] for line in section.splitlines() if not line.startswith(" ")] == names


@pytest.mark.parametrize("value", ["{'type': 'Point'}", '{"type": "Point", "coordinates": }', b"{"])
def test_a_text_that_is_no_json_is_an_error(value):
    with pytest.raises(ValueError, match=r"json\.dumps"):
        to_geometry(value)


@pytest.mark.parametrize("value", [3, ["a"], "a place", '{"type": "Nothing"}', {"type": "Polygon"}])
def test_what_is_no_area_is_an_error(value):
    with pytest.raises((TypeError, ValueError, UnsupportedArgumentError)):
        to_geometry(value)


@pytest.mark.parametrize("value", [3, "16:0", "{}", {"type": "Feature", "properties": {}}])
def test_what_is_no_tile_is_an_error(value):
    with pytest.raises((TypeError, ValueError)):
        to_dltile(value)
