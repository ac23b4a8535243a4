"""Catalog objects as pandas.DataFrames and geopandas.GeoDataFrames, and back to attributes."""

from __future__ import annotations

import math
import warnings
from enum import Enum
from typing import TYPE_CHECKING, Any

from landbridge.mappings import times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from geopandas import GeoDataFrame
    from pandas import DataFrame

__all__ = ["attributes_of_rows", "feature_properties", "to_geopandas", "to_pandas"]

_GEOMETRY = "geometry"
_WGS84 = "EPSG:4326"
_MISSING = "{} needs {}: pip install 'landbridge[geopandas]'"


def to_pandas(objects: Iterable[Any], kind: type, columns: Sequence[str] | None = None) -> DataFrame:
    """Return a table with a row for each object and a column for each attribute.

    `kind` is the class of the objects, whose attributes are the columns even if there is no object.
    Datetimes are `datetime64[us, UTC]`, numbers `float64` or `Int64`, lists and mappings JSON values.

    Raises
    ------
    ImportError
        If pandas is not installed.
    AttributeError
        If one of `columns` is no attribute.
    TypeError
        If the objects are not catalog objects.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(_MISSING.format("to_pandas", "pandas")) from error
    values, attributes = _columns(objects, kind, columns)
    return pd.DataFrame({name: _series(values[name], attributes[name]) for name in values})


def to_geopandas(objects: Iterable[Any], kind: type, columns: Sequence[str] | None = None) -> GeoDataFrame:
    """Return the table of `to_pandas` with the footprints as its geometry, in longitude and latitude.

    Raises as `to_pandas`.
    """
    try:
        import geopandas
    except ImportError as error:
        raise ImportError(_MISSING.format("to_geopandas", "geopandas")) from error
    if columns is not None and _GEOMETRY not in columns:
        columns = [*columns, _GEOMETRY]
    return geopandas.GeoDataFrame(to_pandas(objects, kind, columns), geometry=_GEOMETRY, crs=_WGS84)


def feature_properties(instance: Any) -> dict[str, Any]:
    """Return the attributes of an object that have a value, as JSON values; without its geometry."""
    return {
        name: attribute.serialize(value)
        for name, attribute in _attributes(type(instance)).items()
        if name != _GEOMETRY and (value := instance._read(attribute)) is not None
    }


def attributes_of_rows(frame: DataFrame, kind: type) -> Iterator[dict[str, Any]]:
    """Yield the attributes that each row of a table sets; those without a value, or read-only, are left out.

    Raises
    ------
    ValueError
        If a column is no attribute of the class, or if the geometries are not in longitude and latitude.
    """
    known = _attributes(kind)
    unknown = [str(name) for name in frame.columns if name not in known]
    if unknown:
        raise ValueError(
            f"{kind.__name__} has no attribute {', '.join(unknown)}. Rename or drop the columns of that name."
        )
    system = getattr(frame, "crs", None)
    if system is not None and system != _WGS84:
        raise ValueError("The geometries must be in longitude and latitude: use frame.to_crs('EPSG:4326').")
    names = [name for name in frame.columns if not known[name].readonly]
    columns = [frame[name].array for name in names]
    for row in zip(*columns, strict=True):
        yield {name: _plain(value) for name, value in zip(names, row, strict=True) if not _is_missing(value)}


def _columns(
    objects: Iterable[Any], kind: type, wanted: Sequence[str] | None
) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return the values of each attribute by its name, and the attributes."""
    attributes = _attributes(kind)
    if wanted is not None:
        unknown = [name for name in wanted if name not in attributes]
        if unknown:
            raise AttributeError(f"{kind.__name__} has no attribute {unknown[0]}")
        attributes = {name: attributes[name] for name in wanted}
    values: dict[str, list[Any]] = {name: [] for name in attributes}
    for count, each in enumerate(objects):
        own = _attributes(type(each))
        if not own:
            raise TypeError(f"A table needs catalog objects; got {each!r}.")
        if wanted is None and type(each) is not kind:
            # A subclass, such as SpectralBand, has more attributes than its base class.
            for name in [name for name in own if name not in values]:
                attributes[name], values[name] = own[name], [None] * count
        for name, column in values.items():
            column.append(each._read(own[name]) if name in own else None)
    return values, attributes


def _attributes(kind: type) -> dict[str, Any]:
    """Return the attributes of a class that hold values: all but references to other objects."""
    known: Mapping[str, Any] = getattr(kind, "_attribute_types", {})
    return {name: one for name, one in known.items() if one.serializable or not hasattr(one, "document_type")}


def _series(values: list[Any], attribute: Any) -> Any:
    """Return the values of an attribute as a column of the type that fits the attribute."""
    return _COLUMNS.get(_type_of(attribute), _objects)(values, attribute)


def _type_of(attribute: Any) -> str:
    name = type(attribute).__name__
    return f"{attribute.attribute_type.__name__}" if name == "TypedAttribute" else name


def _moments(values: list[Any], attribute: Any) -> Any:
    import numpy as np
    import pandas as pd

    try:
        moments = [None if value is None else _moment(value) for value in values]
    except (TypeError, ValueError):
        # A text that is no date stays visible.
        return _objects(values, attribute)
    return pd.Series(np.array(moments, "datetime64[us]")).dt.tz_localize("UTC")


def _moment(value: Any) -> datetime:
    """Return a time in UTC, without a time zone as NumPy has none."""
    return times.parse(value).replace(tzinfo=None)


def _floats(values: list[Any], attribute: Any) -> Any:
    import pandas as pd

    try:
        return pd.Series([math.nan if value is None else float(value) for value in values], dtype="float64")
    except (TypeError, ValueError):
        return _objects(values, attribute)


def _nullable(dtype: str) -> Callable[[list[Any], Any], Any]:
    def series(values: list[Any], attribute: Any) -> Any:
        import pandas as pd

        try:
            return pd.Series(values, dtype=dtype)
        except (TypeError, ValueError, OverflowError):
            return _objects(values, attribute)

    return series


def _geometries(values: list[Any], _attribute: Any) -> Any:
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

    unreadable = [value for value in values if value is not None and not isinstance(value, BaseGeometry)]
    if unreadable:
        warnings.warn(
            f"{len(unreadable)} geometries cannot be read and are missing in the table, such as "
            f"{str(unreadable[0])[:200]}.",
            stacklevel=2,
        )
        values = [value if isinstance(value, BaseGeometry) else None for value in values]
    return pd.Series(values, dtype=object)


def _objects(values: list[Any], attribute: Any) -> Any:
    import pandas as pd

    plain = [None if value is None else attribute.serialize(value) for value in values]
    texts = all(value is None or isinstance(value, str) for value in plain)
    # pandas decides how texts are kept, which depends on its version.
    return pd.Series(plain) if texts and any(plain) else pd.Series(plain, dtype=object)


_COLUMNS: dict[str, Callable[[list[Any], Any], Any]] = {
    "Timestamp": _moments,
    "float": _floats,
    "int": _nullable("Int64"),
    "bool": _nullable("boolean"),
    "BooleanAttribute": _nullable("boolean"),
    "GeometryAttribute": _geometries,
}


def _is_missing(value: Any) -> bool:
    """Return whether a cell of a table has no value; lists and mappings always are values."""
    import pandas as pd

    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def _plain(value: Any) -> Any:
    """Return a cell as a Python value: numbers of NumPy and timestamps of pandas are converted."""
    if hasattr(value, "to_pydatetime"):
        return value.to_pydatetime()
    if isinstance(value, Enum):
        return value.value
    return value.item() if hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0 else value
