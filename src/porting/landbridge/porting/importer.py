"""Import system part that serves the table of modules below `descarteslabs` and `earthdaily.earthone`.

The modules are made from the rows of `landbridge.porting.modules`. Their names are read from the
implementation when they are first used, so that importing the root costs little.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module, metadata
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any, Final

from landbridge.porting.modules import MODULES, Entry, Hosted, Instance, Names, find_entries
from landbridge.porting.stubs import Stub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

__all__ = ["ROOTS", "Root", "serve"]

_OWN_DISTRIBUTION: Final = "landbridge-descarteslabs"


@dataclass(frozen=True, slots=True)
class Root:
    """Import package that stands for a client.

    `api_version` is the version of the client whose API it has, and `distribution` is the client's own
    distribution, which has the same import name.
    """

    api_version: str
    distribution: str


ROOTS: Final = {
    "descarteslabs": Root("4.0.0", "descarteslabs"),
    "earthdaily.earthone": Root("6.1.0", "earthdaily-earthone"),
}


def serve(name: str) -> None:
    """Serve the table of modules below the root package of this name, which is being imported.

    Raises
    ------
    ImportError
        If the client's own distribution, which has the same import name, is installed.
    """
    root = ROOTS[name]
    _refuse_beside(root.distribution, name)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        # Before the finder of files, which would look for files of the same names in the packages' folders.
        sys.meta_path.insert(0, _Finder())
    module = sys.modules[name]
    _fill(module, "", MODULES[""])
    # The label names this distribution, and comparisons with released versions of the client stay right.
    vars(module)["__version__"] = f"{root.api_version}+landbridge.{metadata.version(_OWN_DISTRIBUTION)}"


def _refuse_beside(distribution: str, name: str) -> None:
    try:
        version = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return
    raise ImportError(
        f"{_OWN_DISTRIBUTION} can't be used beside {distribution} {version}: both have the import name "
        f"{name!r}. Uninstall both, then install one of them:  pip uninstall {distribution} "
        f"{_OWN_DISTRIBUTION}  and  pip install {_OWN_DISTRIBUTION}",
        name=name,
    )


class _Finder(MetaPathFinder):
    """Finder of all modules below the roots."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        path = _path_below_root(fullname)
        if path is None:
            return None
        entries = find_entries(path)
        if entries is None:
            raise ModuleNotFoundError(_missing_message(fullname, path), name=fullname)
        return ModuleSpec(fullname, _Loader(path, entries), is_package=True)


class _Loader(Loader):
    """Loader of a module that is made from a row of the table."""

    def __init__(self, path: str, entries: tuple[Entry, ...]) -> None:
        self._path = path
        self._entries = entries

    def __repr__(self) -> str:
        return _OWN_DISTRIBUTION

    def exec_module(self, module: ModuleType) -> None:
        _fill(module, self._path, self._entries)


def _path_below_root(fullname: str) -> str | None:
    for root in ROOTS:
        if fullname.startswith(f"{root}."):
            return fullname[len(root) + 1 :]
    return None


def _missing_message(fullname: str, path: str) -> str:
    close = get_close_matches(path, [known for known in MODULES if known], n=1)
    root = fullname[: -len(path)]
    advice = f" Did you mean {root + close[0]!r}?" if close else ""
    return f"No module named {fullname!r}: {_OWN_DISTRIBUTION} has no such module.{advice}"


def _fill(module: ModuleType, path: str, entries: tuple[Entry, ...]) -> None:
    """Give a module the names of its entries, which are looked up when they are used."""
    name = module.__name__

    def find_name(wanted: str) -> Any:
        """Return an attribute of the module; PEP 562."""
        if wanted == "__all__":
            return sorted({public for entry in entries for public in _public_names(entry)})
        if wanted.startswith("__"):
            raise AttributeError(f"module {name!r} has no attribute {wanted!r}")
        for entry in entries:
            found, value = _GETTERS[type(entry)](entry, wanted, name)
            if found:
                if not isinstance(entry, Instance):  # whose attributes may change
                    vars(module)[wanted] = value
                return value
        if find_entries(f"{path}.{wanted}" if path else wanted) is not None:
            return import_module(f"{name}.{wanted}")
        raise AttributeError(f"module {name!r} has no attribute {wanted!r}")

    def list_names() -> list[str]:
        below = f"{path}." if path else ""
        modules = {known[len(below) :].partition(".")[0] for known in MODULES if known.startswith(below)}
        return sorted({*vars(module), *find_name("__all__"), *modules} - {""})

    vars(module)["__getattr__"] = find_name
    vars(module)["__dir__"] = list_names


def _public_names(entry: Entry) -> Iterator[str]:
    if isinstance(entry, Instance):
        instance = getattr(import_module(entry.module), entry.function)()
        yield from (name for name in dir(instance) if not name.startswith("_"))
    elif entry.names:
        yield from entry.names
    elif isinstance(entry, Names):
        yield from import_module(entry.module).__all__


def _from_names(entry: Names, wanted: str, _module: str) -> tuple[bool, Any]:
    if entry.names and wanted not in entry.names:
        return False, None
    implementation = import_module(entry.module)
    if not entry.names and wanted not in implementation.__all__:
        return False, None
    return True, getattr(implementation, wanted)


def _from_instance(entry: Instance, wanted: str, _module: str) -> tuple[bool, Any]:
    if wanted.startswith("_"):
        return False, None
    instance = getattr(import_module(entry.module), entry.function)()
    return hasattr(instance, wanted), getattr(instance, wanted, None)


def _from_hosted(entry: Hosted, wanted: str, module: str) -> tuple[bool, Any]:
    if entry.names and wanted not in entry.names:
        return False, None
    return True, Stub(f"{module}.{wanted}", entry.service)


_GETTERS: Final[dict[type, Callable[..., tuple[bool, Any]]]] = {
    Names: _from_names,
    Instance: _from_instance,
    Hosted: _from_hosted,
}
