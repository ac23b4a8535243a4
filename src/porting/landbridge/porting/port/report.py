"""Report about a script: the old APIs that it uses, what carries them, and the products that it names."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from landbridge.porting.port.product_ids import KnownProduct

__all__ = ["FileReport", "Place", "ProductUse", "Use", "as_json", "as_text", "exit_code"]

# What is said of one use, and of several.
_VERDICTS = {
    "same": ("runs as it is", "run as they are"),
    "adapter": ("is carried by an adapter", "are carried by an adapter"),
    "gone": ("is gone", "are gone"),
    "unknown": ("is not known", "are not known"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Line of a script, or of a cell of a notebook; both count from 1."""

    line: int
    cell: int | None = None

    def __str__(self) -> str:
        return f"line {self.line}" if self.cell is None else f"cell {self.cell}, line {self.line}"


@dataclass(frozen=True, slots=True)
class Use:
    """Use of a name of an old API.

    Attributes
    ----------
    api : str
        "Catalog", "Scenes", "Raster" and others.
    name : str
        Name as the old package has it.
    verdict : str
        "same", "adapter", "gone" or "unknown".
    is_rewritten : bool
        True if `--write` replaces it.
    use : str
        What to use instead, if it is gone.
    """

    api: str
    name: str
    verdict: str
    place: Place
    is_rewritten: bool = False
    use: str = ""


@dataclass(frozen=True, slots=True)
class ProductUse:
    """Product id in a script."""

    known: KnownProduct
    place: Place


@dataclass(frozen=True, slots=True)
class FileReport:
    """Uses of old APIs in a script, its products, and why a person is needed.

    Attributes
    ----------
    path : str
    root : tuple of str
        Import names of the old package that the file uses.
    uses, products
        Uses of old APIs, and product ids.
    notes : tuple of (Place, str)
        Where a person must decide, and why.
    problems : tuple of str
        Why the file, or a cell of it, could not be read.
    changed : bool
        True if `--write` changes the file.
    """

    path: str
    uses: tuple[Use, ...] = ()
    products: tuple[ProductUse, ...] = ()
    notes: tuple[tuple[Place, str], ...] = ()
    problems: tuple[str, ...] = ()
    changed: bool = False

    @property
    def is_old(self) -> bool:
        """True if the file uses the old package."""
        return bool(self.uses)

    @property
    def needs_person(self) -> bool:
        """True if a use is gone or not known, or if a product has no source."""
        return bool(
            self.notes
            or any(use.verdict in {"gone", "unknown"} for use in self.uses)
            or any(product.known.is_gone for product in self.products)
        )


def exit_code(reports: Iterable[FileReport]) -> int:
    """Return 2 if a file could not be read, 1 if a person must decide something, else 0."""
    found = list(reports)
    if any(report.problems for report in found):
        return 2
    return int(any(report.needs_person for report in found))


def as_json(reports: Sequence[FileReport]) -> dict[str, Any]:
    """Return the reports as JSON values."""
    return {
        "files": [
            {
                "path": report.path,
                "uses": [{**asdict(use), "place": asdict(use.place)} for use in report.uses],
                "products": [
                    {
                        **asdict(product.known),
                        "is_gone": product.known.is_gone,
                        "place": asdict(product.place),
                    }
                    for product in report.products
                ],
                "notes": [{"place": asdict(place), "text": text} for place, text in report.notes],
                "problems": list(report.problems),
                "changed": report.changed,
                "needs_person": report.needs_person,
            }
            for report in reports
        ],
        "exit_code": exit_code(reports),
    }


def as_text(reports: Sequence[FileReport], written: bool) -> str:
    """Return the reports for people: a paragraph for each file that uses the old package, and a summary."""
    shown = [_paragraph(report, written) for report in reports if report.is_old or report.problems]
    unread = sum(bool(report.problems) for report in reports)
    undecided = sum(report.needs_person for report in reports)
    old = sum(report.is_old for report in reports)
    changed = sum(report.changed for report in reports)
    verb = "changed" if written else "to change with --write"
    summary = (
        f"{_count(len(reports), 'file')} read: {old} {_verb(old, 'use')} the old package, {changed} {verb}, "
        f"{undecided} {_verb(undecided, 'need')} a person, {unread} could not be read."
    )
    return "\n\n".join([*shown, summary])


def _paragraph(report: FileReport, written: bool) -> str:
    lines = [report.path]
    lines += [f"  could not be read: {problem}" for problem in report.problems]
    for verdict, texts in _VERDICTS.items():
        uses = [use for use in report.uses if use.verdict == verdict]
        for api in dict.fromkeys(use.api for use in uses):
            mine = [use for use in uses if use.api == api]
            names = ", ".join(dict.fromkeys(use.name for use in mine))
            lines.append(f"  {api}: {_count(len(mine), 'use')} {texts[len(mine) > 1]}: {names}")
            if mine[0].use:
                lines.append(f"    use instead: {mine[0].use}")
            rewritten = sum(use.is_rewritten for use in mine)
            if verdict == "adapter":
                verb = "were rewritten" if written else "can be rewritten with --write"
                lines.append(f"    {rewritten} of {len(mine)} {verb}")
    for product in {product.known.product: product for product in report.products}.values():
        known = product.known
        place = f"source {known.source}" if known.source else "gone" if known.is_gone else "no public source"
        lines.append(f"  product {known.product}: {place}" + (f"; {known.note}" if known.note else ""))
    lines += [f"  {place}: {text}" for place, text in report.notes]
    return "\n".join(lines)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _verb(number: int, word: str) -> str:
    return f"{word}s" if number == 1 else word
