"""Pictures of rasters, drawn by matplotlib, which is imported when the first one is made."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    from matplotlib.figure import Figure

__all__ = ["display", "save_image"]

_LAYOUT_DIRECTIONS = ("left-to-right", "top-to-bottom")
_ROBUST_PERCENTILES = (2, 98)


@dataclass(frozen=True, slots=True)
class _Options:
    bands_axis: int = 0
    title: Any = None
    size: float = 10
    robust: bool = True
    interpolation: str = "bilinear"
    colormap: str | None = None
    figsize: tuple[float, float] | None = None
    nrows: int | None = None
    ncols: int = 1
    layoutdirection: str = "left-to-right"

    @classmethod
    def from_kwargs(cls, given: dict[str, Any]) -> _Options:
        """Return the options among keyword arguments; TypeError for any other name."""
        if "layout_direction" in given:
            given["layoutdirection"] = given.pop("layout_direction")
        unknown = set(given) - {one.name for one in fields(cls)}
        if unknown:
            raise TypeError(f"Unknown keyword arguments: {', '.join(sorted(unknown))}.")
        options = cls(**given)
        if options.layoutdirection not in _LAYOUT_DIRECTIONS:
            raise ValueError(
                f"layoutdirection must be {' or '.join(_LAYOUT_DIRECTIONS)}; got {options.layoutdirection!r}."
            )
        return options


def display(*imgs: np.ndarray[Any, Any], **kwargs: Any) -> None:
    """Display arrays as pictures.

    Parameters
    ----------
    *imgs : numpy.ndarray
        Arrays of shape (row, column), or (band, row, column) with 1, 3 or 4 bands, of which the fourth is the
        opacity. Masked pixels are transparent.
    **kwargs
        Options:

        - bands_axis (int, default 0): axis of the bands.
        - title (str or list of str): title of each picture.
        - size (float, default 10): width of the figure in inches.
        - robust (bool, default True): stretch values between their 2nd and 98th percentile; False stretches
          from the smallest to the greatest.
        - interpolation (str, default "bilinear"): matplotlib's interpolation.
        - colormap (str): colormap of pictures with one band.
        - figsize (tuple of float): width and height of the figure in inches, in place of `size`.
        - nrows, ncols (int): rows and columns of the layout; by default one picture per row.
        - layoutdirection ("left-to-right" or "top-to-bottom"): order in which the layout is filled.

    Raises
    ------
    TypeError
        If an argument is not an array or has 4 dimensions (pass its layers as `*array`), or if an option is
        unknown.
    NotImplementedError
        If an array has another number of bands, or 4 bands and a mask.
    ValueError
        If there are not as many titles as arrays, or if the layout direction is unknown.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> display(np.zeros((3, 40, 50)), title="Black")
    """
    options = _Options.from_kwargs(kwargs)
    if not imgs:
        return
    pictures = _prepare(imgs, options)
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=_figure_size(len(pictures), options), layout="constrained")
    _draw(figure, pictures, options)
    if mpl.get_backend().lower() != "agg":  # agg has no window
        plt.show()
    plt.close(figure)


def save_image(filename: str | PathLike[str], *imgs: np.ndarray[Any, Any], **kwargs: Any) -> None:
    """Write arrays as pictures to a file.

    Parameters
    ----------
    filename : str or Path
        Path of the file; its extension decides the format.
    *imgs : numpy.ndarray
        Arrays of shape (row, column), or (band, row, column) with 1, 3 or 4 bands, of which the fourth is the
        opacity. Masked pixels are transparent.
    **kwargs
        Options of `display`: bands_axis, title, size, robust, interpolation, colormap, figsize, nrows, ncols
        and layoutdirection.

    Raises
    ------
    TypeError
        If an argument is not an array or has 4 dimensions (pass its layers as `*array`), or if an option is
        unknown.
    NotImplementedError
        If an array has another number of bands, or 4 bands and a mask.
    ValueError
        If there are not as many titles as arrays, or if the layout direction is unknown.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> save_image("black.png", np.zeros((3, 40, 50)), title="Black")
    """
    options = _Options.from_kwargs(kwargs)
    if not imgs:
        return
    pictures = _prepare(imgs, options)
    from matplotlib.figure import Figure

    figure = Figure(figsize=_figure_size(len(pictures), options), layout="constrained")
    _draw(figure, pictures, options)
    figure.savefig(filename)


def _grid(count: int, options: _Options) -> tuple[int, int]:
    rows = options.nrows or math.ceil(count / options.ncols)
    return rows, max(options.ncols, math.ceil(count / rows))


def _figure_size(count: int, options: _Options) -> tuple[float, float]:
    if options.figsize is not None:
        return options.figsize
    rows, columns = _grid(count, options)
    return options.size, options.size / columns * rows


def _prepare(imgs: tuple[Any, ...], options: _Options) -> list[tuple[np.ndarray[Any, Any], str]]:
    """Return each array as matplotlib draws it, with its title."""
    titles = options.title
    if titles is None:
        titles = [""] * len(imgs)
    elif isinstance(titles, str):
        titles = [titles]
    if len(titles) != len(imgs):
        raise ValueError(f"There are {len(titles)} titles for {len(imgs)} images.")
    return [(_to_picture(image, options), str(title)) for image, title in zip(imgs, titles, strict=True)]


def _to_picture(image: Any, options: _Options) -> np.ndarray[Any, Any]:
    """Return the values from 0 to 1, of shape (row, column) or (row, column, 3 or 4)."""
    import numpy as np

    if not isinstance(image, np.ndarray):
        raise TypeError(
            f"Each argument must be an array; got {type(image).__name__}. Pass a list as *images."
        )
    if image.ndim not in (2, 3):
        raise TypeError(f"An array must have 2 or 3 dimensions; got {image.ndim}. Pass its layers as *array.")
    if image.ndim == 2:
        return _stretch(image, options)
    bands = np.moveaxis(image, options.bands_axis, -1)
    count = bands.shape[-1]
    if count == 1:
        return _stretch(bands[..., 0], options)
    if count not in (3, 4):
        raise NotImplementedError(f"An array must have 1, 3 or 4 bands; got {count}.")
    mask = np.ma.getmask(bands)
    masked = mask is not np.ma.nomask and bool(np.any(mask))
    if count == 4:
        if masked:
            raise NotImplementedError(
                "An array with 4 bands cannot have a mask. Leave out the mask or the fourth band."
            )
        return np.dstack([_stretch(bands[..., :3], options), _scale_opacity(bands[..., 3])])
    colors = np.asarray(np.ma.filled(_stretch(bands, options), 0))
    return np.dstack([colors, ~mask.any(axis=-1)]) if masked else colors


def _scale_opacity(alpha: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    top = alpha.max(initial=0)
    return alpha / top if top > 1 else alpha.astype(float)


def _stretch(values: np.ndarray[Any, Any], options: _Options) -> np.ndarray[Any, Any]:
    """Return the values scaled to 0 to 1, with the same mask."""
    import numpy as np

    if values.dtype == bool:
        values = values.astype("uint8")
    valid = np.ma.compressed(values) if np.ma.isMaskedArray(values) else np.ravel(values)
    valid = valid[np.isfinite(valid)]
    if not valid.size:
        return np.ma.zeros(values.shape)
    low, high = np.percentile(valid, _ROBUST_PERCENTILES) if options.robust else (valid.min(), valid.max())
    if low == high:
        low, high = valid.min(), valid.max()
    spread = float(high) - float(low)
    scaled = (values - float(low)) / (spread or 1.0)
    return np.clip(scaled, 0, 1)


def _draw(figure: Figure, pictures: list[tuple[np.ndarray[Any, Any], str]], options: _Options) -> None:
    rows, columns = _grid(len(pictures), options)
    for position, (picture, title) in enumerate(pictures):
        index = position
        if options.layoutdirection == "top-to-bottom":
            index = position % rows * columns + position // rows
        axes = figure.add_subplot(rows, columns, index + 1)
        axes.imshow(picture, interpolation=options.interpolation, cmap=options.colormap)
        axes.set_axis_off()
        axes.set_title(title)
