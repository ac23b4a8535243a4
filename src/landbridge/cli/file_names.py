"""Names of files: which image a file belongs to, which band it has, and the time of the image."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NameRules", "Scene", "hrefs_at", "name_rules", "scenes_of"]

_SUFFIXES = (".tif", ".tiff", ".jp2", ".vrt")


@dataclass(frozen=True, slots=True)
class NameRules:
    """Rules for the time, the image and the band in a file's address."""

    acquired_pattern: re.Pattern[str] | None
    acquired: str | None
    image_pattern: re.Pattern[str] | None
    bands: tuple[str, ...]

    def time_of(self, href: str) -> str:
        """Return the time of a file as text."""
        if self.acquired_pattern is None:
            return _time(str(self.acquired), "--acquired")
        text = _group(self.acquired_pattern, href, "acquired")
        if text is None:
            raise click.ClickException(
                f"{href} does not match --acquired-from-name {self.acquired_pattern.pattern!r}."
            )
        return _time(text, href)

    def name_of(self, href: str) -> tuple[str, str | None]:
        """Return the name of a file's image, and the name of its band if the rule has one."""
        from landbridge.mappings.ids import make_valid_name

        if self.image_pattern is None:
            return make_valid_name(PurePosixPath(unquote(urlsplit(href).path)).stem), None
        found = self.image_pattern.search(href)
        name = _group(self.image_pattern, href, "image")
        if found is None or not name:
            raise click.ClickException(
                f"{href} does not match --image-from-name {self.image_pattern.pattern!r}."
            )
        return make_valid_name(name), found.groupdict().get("band")


@dataclass(frozen=True, slots=True)
class Scene:
    """An image to make: its name, its time and its files in order."""

    name: str
    acquired: str
    hrefs: tuple[str, ...]


def name_rules(
    acquired_pattern: str | None, acquired: str | None, image_pattern: str | None, bands: str | None
) -> NameRules:
    """Return the rules of the options. UsageError if a pattern is invalid or the time is not given once."""
    if (acquired is None) == (acquired_pattern is None):
        raise click.UsageError("Give either --acquired or --acquired-from-name.")
    return NameRules(
        _compiled(acquired_pattern, "--acquired-from-name"),
        acquired,
        _compiled(image_pattern, "--image-from-name"),
        tuple(bands.split()) if bands else (),
    )


def _compiled(text: str | None, option: str) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise click.UsageError(f"{option} {text!r} is no regular expression: {error}.") from error


def _group(pattern: re.Pattern[str], href: str, name: str) -> str | None:
    """Return the text of a pattern's group of this name, else of its first group, else of the match."""
    found = pattern.search(href)
    if found is None:
        return None
    if name in pattern.groupindex:
        return found[name]
    return found[1] if pattern.groups else found[0]


_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T_-]?(\d{2})(\d{2})(\d{2})?Z?)?")


def _time(text: str, owner: str) -> str:
    """Return a time of a name, such as 20240131 or 20240131T101500, as RFC 3339."""
    from landbridge.mappings import times

    digits = _DIGITS.fullmatch(text)
    if digits is not None:
        year, month, day, hour, minute, second = (part or "00" for part in digits.groups())
        text = f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"
    try:
        return times.normalize(text)
    except ValueError as error:
        raise click.ClickException(f"{owner}: {text!r} is no time: {error}") from error


def hrefs_at(location: str) -> list[str]:
    """Return the addresses of the raster files at a location."""
    from landbridge.sources.file_contents import glob_files, list_files, read_bytes

    path = urlsplit(location).path if "://" in location else location
    if location.lower().endswith(".txt"):
        lines = read_bytes(location).decode().splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if any(sign in path for sign in "*?["):
        return list(glob_files(location))
    if PurePosixPath(path).suffix.lower() in _SUFFIXES:
        return [location]
    return [file for file in list_files(location) if file.lower().endswith(_SUFFIXES)]


def scenes_of(hrefs: Iterable[str], rules: NameRules) -> list[Scene]:
    """Return the images of files; the files of an image are in the order of the bands, else by name."""
    files: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for href in dict.fromkeys(hrefs):
        name, band = rules.name_of(href)
        if band is None and files[name]:
            raise click.ClickException(
                f"{files[name][0][1]} and {href} would both be image {name!r}. Name images by "
                "--image-from-name; its group `band` puts files of one image together."
            )
        if band is not None and rules.bands:
            if band not in rules.bands:
                continue  # a file of no band that is asked for, such as metadata
            files[name].append((rules.bands.index(band), href))
        else:
            files[name].append((0, href))
    return [
        Scene(name, rules.time_of(found[0][1]), tuple(href for _, href in sorted(found)))
        for name, found in files.items()
        if found
    ]
