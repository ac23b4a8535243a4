"""Analysis of one file: its report and its new text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from landbridge.porting.port.edits import Edit, Source, apply
from landbridge.porting.port.inference import Inference
from landbridge.porting.port.plan import Found, Plan, make_plan
from landbridge.porting.port.product_ids import KnownProduct, named_products
from landbridge.porting.port.read import Document, ReadError, read_document
from landbridge.porting.port.report import FileReport, Place, ProductUse, Use
from landbridge.porting.port.rewrite import rewrite
from landbridge.porting.port.rules import OLD_API
from landbridge.porting.port.scopes import Scopes
from landbridge.porting.port.syntax import parse, syntax_problem

if TYPE_CHECKING:
    import ast
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Analysis", "analyse"]

_MARKS = ("descarteslabs", "earthone")

# Names of APIs for people, by the adapter or the module of Landbridge.
_APIS = {
    "landbridge.catalog": "Catalog",
    "landbridge.geo": "geo",
    "landbridge.utils": "utils",
    "landbridge.exceptions": "exceptions",
    "auth": "Auth",
    "catalog_client": "old Catalog client",
    "config": "config",
    "metadata": "Metadata",
    "raster": "Raster",
    "scenes": "Scenes",
    "storage": "Storage",
}

_CLIENTS = {"Catalog": "catalog_client", "Metadata": "metadata", "Raster": "raster", "Storage": "storage"}


@dataclass(frozen=True, slots=True)
class Analysis:
    """Report about a file, and its new text if it changes."""

    report: FileReport
    text: str | None = None
    encoding: str = "utf-8"


def analyse(path: Path) -> Analysis:
    """Return what a script or notebook uses, and its new text. The file is neither imported nor run.

    Parameters
    ----------
    path : Path
        Script or notebook.

    Returns
    -------
    Analysis
        Report, with the problem if the file can't be read.
    """
    try:
        document = read_document(path)
    except ReadError as error:
        return Analysis(FileReport(str(path), problems=(str(error),)))
    problems: tuple[str, ...] = ()
    if document.notebook is not None:
        problems = tuple(f"cell {cell}: {problem}" for cell, problem in document.notebook.problems)
    if not any(mark in document.text for mark in _MARKS):
        # A cell that can't be parsed matters only if it may be of the old package.
        raw = document.notebook.raw if document.notebook else ""
        return Analysis(FileReport(str(path), problems=problems if any(m in raw for m in _MARKS) else ()))
    try:
        return _analysed(document, problems)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        problem = syntax_problem(error, document.text)
        return Analysis(FileReport(str(path), problems=(*problems, problem)))


def _analysed(document: Document, problems: tuple[str, ...]) -> Analysis:
    source = Source(document.text)
    hidden = document.notebook.hidden if document.notebook else ()
    inference = Inference(Scopes(parse(document.text)), OLD_API, hidden)
    plan = make_plan(source, inference)
    edits = rewrite(source, inference, plan)
    text = None
    if edits:
        parse(apply(document.text, edits))  # what can't be read is not written
        text = _new_text(document, edits)
    report = FileReport(
        str(document.path),
        tuple(
            sorted(
                _uses(document, source, plan, edits), key=lambda use: (use.place.cell or 0, use.place.line)
            )
        ),
        tuple(ProductUse(known, _place(document, source, node)) for node, known in _products(inference)),
        tuple(sorted(_notes(document, source, plan), key=lambda note: (note[0].cell or 0, note[0].line))),
        problems,
        text is not None,
    )
    return Analysis(report, text, document.encoding)


def _new_text(document: Document, edits: list[Edit]) -> str:
    if document.notebook is not None:
        return document.notebook.edited(edits)
    if "\r\n" in document.text:
        edits = [Edit(e.start, e.end, e.text.replace("\r\n", "\n").replace("\n", "\r\n")) for e in edits]
    return apply(document.text, edits)


def _products(inference: Inference) -> list[tuple[ast.Constant, KnownProduct]]:
    return sorted(named_products(inference), key=lambda found: (found[0].lineno, found[0].col_offset))


def _place(document: Document, source: Source, node: ast.AST) -> Place:
    if document.notebook is None:
        return Place(node.lineno)  # type: ignore[attr-defined] # of an expression
    cell, line = document.notebook.place(source.span(node)[0])
    return Place(line, cell)


def _notes(document: Document, source: Source, plan: Plan) -> list[tuple[Place, str]]:
    return list(dict.fromkeys((_place(document, source, node), text) for node, text in plan.notes))


def _uses(document: Document, source: Source, plan: Plan, edits: Sequence[Edit]) -> list[Use]:
    replaced = plan.replaced_nodes()
    # Clients that are not used any more are removed.
    removed = [edit for edit in edits if edit.text in {"", "pass"}]

    def is_rewritten(node: ast.AST) -> bool:
        at = source.span(node)[0]
        return node in replaced or any(edit.start <= at < edit.end for edit in removed)

    return [
        _use(found, _place(document, source, found.node), is_rewritten(found.node)) for found in plan.found
    ]


def _use(found: Found, place: Place, is_rewritten: bool) -> Use:
    resolved = found.resolved
    api = {"gone": resolved.module, "unknown": "Unknown", "module": "Package"}.get(resolved.verdict)
    if api is None:
        # A method of a client has the name of the client.
        module = resolved.module or _CLIENTS[found.name.partition(".")[0]]
        api = _APIS.get(module) or _APIS.get(resolved.key.partition(".")[0]) or module
    return Use(
        api,
        found.name,
        resolved.verdict,
        place,
        is_rewritten or resolved.verdict == "same",
        resolved.advice,
    )
