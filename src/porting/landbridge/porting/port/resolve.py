"""Meaning of an import path of the old package, from the table of its modules. Nothing is imported."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from landbridge.porting.importer import ROOTS
from landbridge.porting.modules import MODULES, Hosted, Instance, Names, find_entries

__all__ = ["Resolved", "path_of", "resolve"]

_PARENT = "earthdaily"  # the package that the successor is in
_ADAPTERS = "landbridge.porting."

Verdict = Literal["same", "adapter", "gone", "module", "unknown"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """Meaning of a path of the old package.

    Attributes
    ----------
    verdict : str
        "same": a name or module of Landbridge itself; "adapter": a name that an adapter has; "gone": a name
        of a hosted service; "module": a module of the tree; "unknown": no path of the old package.
    module : str
        Module that has the name today; for "gone" the name of the service.
    name : str
        Name in the module; empty if the path is the module.
    rest : str
        Attributes that follow the name in the path.
    advice : str
        What to use instead of a hosted service.
    """

    verdict: Verdict
    module: str = ""
    name: str = ""
    rest: str = ""
    advice: str = ""

    @property
    def key(self) -> str:
        """Adapter and name, such as "scenes.search"; a default client has the name of its adapter."""
        adapter = self.module.removeprefix(_ADAPTERS).partition(".")[0]
        return ".".join(part for part in (adapter, self.name, self.rest) if part)


def path_of(dotted: str) -> str | None:
    """Return the path of an import below the root of the old package; None if it is of another package.

    Examples
    --------
    >>> from landbridge.porting.port.resolve import path_of
    >>> path_of("descarteslabs.scenes"), path_of("earthdaily.earthone.catalog"), path_of("numpy")
    ('scenes', 'catalog', None)
    """
    for root in ROOTS:
        if dotted == root:
            return ""
        if dotted.startswith(f"{root}."):
            return dotted.removeprefix(f"{root}.")
    return f"@{_PARENT}" if dotted == _PARENT else None


@cache
def resolve(path: str) -> Resolved:
    """Return the meaning of a path below the root of the old package.

    Examples
    --------
    >>> from landbridge.porting.port.resolve import resolve
    >>> resolve("catalog.Image").module, resolve("workflows.Image").verdict
    ('landbridge.catalog', 'gone')
    >>> resolve("client.services.raster.Raster").key
    'raster.Raster'
    """
    if path.startswith("@"):
        below = path_of(path.removeprefix("@"))
        return Resolved("module") if below is None or below.startswith("@") else resolve(below)
    if path in MODULES:
        return _of_module(path)
    parts = path.split(".")
    for length in range(len(parts) - 1, -1, -1):
        module = ".".join(parts[:length])
        if module in MODULES:
            rest = ".".join(parts[length + 1 :])
            return _of_name(MODULES[module], parts[length], rest) or _below(path)
    return _below(path)


def _below(path: str) -> Resolved:
    """Return the meaning of a path below a service without modules of its own."""
    for entry in find_entries(path) or ():
        if isinstance(entry, Hosted):
            return Resolved("gone", entry.service.name, path, advice=entry.service.instead)
    return Resolved("unknown")


def _of_module(path: str) -> Resolved:
    entries = MODULES[path]
    if not path:
        return Resolved("module")
    if len(entries) == 1 and isinstance(entries[0], Hosted) and not entries[0].names:
        service = entries[0].service
        return Resolved("gone", service.name, path, advice=service.instead)
    wholes = [entry for entry in entries if isinstance(entry, Names) and not entry.names]
    clients = [entry for entry in entries if isinstance(entry, Instance)]
    if clients:
        return Resolved("adapter", clients[0].module)
    if wholes:
        return Resolved(_verdict_of(wholes[0].module), wholes[0].module)
    # A module of which some names lie in one module of Landbridge is that module to a script.
    modules = {entry.module for entry in entries if isinstance(entry, Names)}
    if path and len(modules) == 1 and len(entries) == 1:
        (module,) = modules
        return Resolved(_verdict_of(module), module)
    return Resolved("module")


def _verdict_of(module: str) -> Verdict:
    return "adapter" if module.startswith(_ADAPTERS) else "same"


def _of_name(entries: tuple[object, ...], name: str, rest: str) -> Resolved | None:
    for entry in entries:
        match entry:
            case Names() if name in (entry.names or public_names(entry.module)):
                module = _origin(entry.module, name) if entry.module.startswith(_ADAPTERS) else entry.module
                return Resolved(_verdict_of(module), module, name, rest)
            case Instance():
                return Resolved("adapter", entry.module, "", ".".join(filter(None, (name, rest))))
            case Hosted() if not entry.names or name in entry.names:
                return Resolved("gone", entry.service.name, name, rest, entry.service.instead)
    return None


@cache
def public_names(module: str) -> frozenset[str]:
    """Return the names in `__all__` of a module of Landbridge, read from its text."""
    for node in _tree_of(module).body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=value)
                | ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value)
            ):
                return frozenset(ast.literal_eval(value))
    return frozenset()


@cache
def _origin(module: str, name: str) -> str:
    """Return the module of Landbridge from which a module of an adapter has a name; else that module."""
    for node in _tree_of(module).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("landbridge."):
            is_own = node.module.startswith(_ADAPTERS)
            if not is_own and any(alias.name == name and alias.asname is None for alias in node.names):
                return node.module
    return module


@cache
def _tree_of(module: str) -> ast.Module:
    found = _file_of(module)
    return ast.parse("" if found is None else found.read_text(encoding="utf-8"))


def _file_of(module: str) -> Path | None:
    """Return the file of a module without importing the packages that it is in."""
    top, _, below = module.partition(".")
    spec = importlib.util.find_spec(top)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        base = Path(folder, *below.split("."))
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return file
    return None
