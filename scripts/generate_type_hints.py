"""Writes the keyword types of constructors and the properties for filters from the attributes of the classes.

Usage: `python scripts/generate_type_hints.py`, after the attributes of a class or their types have changed.
`tests/unit/test_types.py` fails if the files differ from what this makes.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from landbridge.catalog import (
    Blob,
    ClassBand,
    DerivedParamsAttribute,
    File,
    GenericBand,
    Image,
    ImageUpload,
    ImageUploadOptions,
    MaskBand,
    MicrowaveBand,
    ProcessingStepAttribute,
    Product,
    Resolution,
    SpectralBand,
)
from landbridge.catalog.events import (
    EventApiDestination,
    EventConnectionParameter,
    EventSubscription,
    EventSubscriptionTarget,
)
from landbridge.catalog.model.attributes import Attribute, Model

CATALOG = Path(__file__).resolve().parent.parent / "src" / "landbridge" / "catalog"
TYPES = CATALOG / "type_hints" / "attributes.py"
KEYWORDS = CATALOG / "type_hints" / "keywords.py"
PROPERTIES = CATALOG / "search" / "catalog_properties.py"

CLASSES: tuple[type[Model], ...] = (
    *(Product, SpectralBand, MicrowaveBand, MaskBand, ClassBand, GenericBand, Image, ImageUpload, Blob),
    *(EventApiDestination, EventSubscription),
)

# Values with fields, which have no properties.
VALUES: tuple[type[Model], ...] = (
    *(Resolution, File, ProcessingStepAttribute, DerivedParamsAttribute, ImageUploadOptions),
    *(EventSubscriptionTarget, EventConnectionParameter),
)

# The values that a property is compared with, by the value that is read from an object.
_NUMBERS = ("float", "int", "AttributeList[float, NumberLike]", "AttributeList[int, int]")
_COMPARED = {
    "str": "str",
    "bool": "bool",
    "datetime": "TimeLike",
    "AttributeList[str, str]": "str",
    "Resolution": "NumberLike | ResolutionLike",
    "BaseGeometry": "None",  # geometries are searched with `intersects`
    "Product": "Product | str",
    "Image": "Image | str",
    **dict.fromkeys(_NUMBERS, "NumberLike"),
}


def main() -> None:
    for path, text in generated().items():
        path.write_text(text)


def generated() -> dict[Path, str]:
    """Return the content of each generated file."""
    types = types_of_attributes()
    modules = {
        name.name: node.module
        for node in ast.parse(TYPES.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    classes = dict.fromkeys(("Blob", "Image", "Product"), f"{TYPES_PACKAGE}.classes")
    return {
        KEYWORDS: _formatted(_keywords(types, {**modules, **classes})),
        PROPERTIES: _formatted(_properties(types)),
    }


TYPES_PACKAGE = "landbridge.catalog.type_hints"


def types_of_attributes() -> dict[str, tuple[str, ...]]:
    """Return the value that is read, and the values that can be assigned, by the name of each type."""
    return {
        node.target.id: tuple(ast.unparse(part) for part in node.value.slice.elts)
        for node in ast.parse(TYPES.read_text()).body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.Subscript)
        and isinstance(node.value.slice, ast.Tuple)
    }


def declared(model: type) -> dict[str, str]:
    """Return the names of the types of the attributes that a class itself declares."""
    return {
        name: model.__annotations__[name]
        for name, value in vars(model).items()
        if isinstance(value, Attribute)
    }


def _families() -> list[type]:
    """Return all classes that declare attributes, each after its bases."""
    found: dict[type, None] = {}
    for model in (*VALUES, *CLASSES):
        found.update(dict.fromkeys(base for base in reversed(model.__mro__) if _assignable(base)))
    return list(found)


def _assignable(model: type) -> dict[str, str]:
    """Return the types of the attributes, but for `id`, that a class declares and no base of it."""
    if not issubclass(model, Model):
        return {}
    inherited = {name for base in model.__mro__[1:] if issubclass(base, Model) for name in declared(base)}
    return {
        name: kind
        for name, kind in declared(model).items()
        if name != "id"
        and name not in inherited
        and not kind.startswith("ReadOnly")
        and kind != "UploadEvents"
    }


def _keywords(types: dict[str, tuple[str, ...]], modules: dict[str, str | None]) -> str:
    families = _families()
    bodies, used = [], set()
    for model in families:
        base = next((base for base in model.__mro__[1:] if base in families), None)
        lines = [f"class {_keywords_of(model)}({_keywords_of(base)}, total=False):"]
        lines.append(f'    """Attributes of `{model.__name__}` that can be set."""\n')
        for name, kind in _assignable(model).items():
            accepted = types[kind][1]
            lines.append(f"    {name}: {accepted}")
            used |= {node.id for node in ast.walk(ast.parse(accepted)) if isinstance(node, ast.Name)}
        bodies.append("\n".join(lines))
    imports = sorted(f"from {modules[name]} import {name}" for name in used if name in modules)
    return "\n".join(
        [
            '"""Keyword parameters of constructors, written by scripts/generate_type_hints.py."""\n',
            "from typing import TypedDict\n",
            *imports,
            *("\n\n" + body for body in bodies),
        ]
    )


def _keywords_of(base: type | None) -> str:
    return "TypedDict" if base is None else f"{base.__name__.removesuffix('Metadata')}Keywords"


def _properties(types: dict[str, tuple[str, ...]]) -> str:
    compared: dict[str, dict[str, None]] = {}
    for model in CLASSES:
        for base in model.__mro__:
            for name, kind in declared(base).items() if issubclass(base, Model) else ():
                value = types[kind][0].removesuffix(" | None")
                compared.setdefault(name, {}).update(dict.fromkeys(_COMPARED.get(value, "Any").split(" | ")))
    lines = []
    for name, kinds in sorted(compared.items()):
        accepted = (
            "Any" if "Any" in kinds else " | ".join(sorted(kinds, key=lambda one: (one == "None", one)))
        )
        lines.append(f'    {name}: Property[{accepted}] = Property("{name}")')
    return _PROPERTIES.replace("LINES", "\n".join(lines))


_PROPERTIES = '''"""Properties of catalog objects for filters, written by scripts/generate_type_hints.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.utils.properties import Properties, Property

if TYPE_CHECKING:
    from landbridge.catalog.type_hints.classes import Image, Product
    from landbridge.catalog.type_hints.values import NumberLike, ResolutionLike, TimeLike

    class _AnyName:
        """Base without attributes: type checkers know the names below only."""
else:
    _AnyName = Properties

__all__ = ["CatalogProperties", "properties"]


class CatalogProperties(_AnyName):
    """Source of properties for filters: the attributes of all classes of the catalog.

    Examples
    --------
    >>> from landbridge.catalog import properties as p
    >>> (p.cloud_fraction < 0.2) & (p.acquired >= "2024-01-01")
    ((p.cloud_fraction lt 0.2) & (p.acquired gte '2024-01-01'))
    """

LINES


properties: CatalogProperties = CatalogProperties()
'''


def _formatted(text: str) -> str:
    """Return a module as ruff formats and orders it."""
    ruff = [str(Path(sys.executable).parent / "ruff")]
    name = ["--stdin-filename", str(KEYWORDS), "-"]
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        made = subprocess.run(
            [*ruff, *command, *name], input=text, capture_output=True, text=True, check=True
        )
        text = made.stdout
    return text


if __name__ == "__main__":
    main()
