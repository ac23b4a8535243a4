"""New text of a script: the changes of its plan, its imports, and comments where a person must decide."""

from __future__ import annotations

import ast
import io
import tokenize
from typing import TYPE_CHECKING

from landbridge.porting.port.edits import Edit, Need, Operand, Part, Primary, Source
from landbridge.porting.port.imports import (
    ImportNames,
    convert_import,
    edit_import,
    is_old,
    new_imports,
    removal,
)
from landbridge.porting.port.resolve import resolve
from landbridge.porting.port.values import Instance, Symbol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.porting.port.inference import Inference
    from landbridge.porting.port.plan import Plan

__all__ = ["MARK", "rewrite"]

MARK = "# landbridge port: "


def rewrite(source: Source, inference: Inference, plan: Plan) -> list[Edit]:
    """Return the changes of a script's text, from first to last. Without any the script stays as it is."""
    return _Rewriter(source, inference, plan).edits()


class _Rewriter:
    def __init__(self, source: Source, inference: Inference, plan: Plan) -> None:
        self.source = source
        self.inference = inference
        self.scopes = inference.scopes
        self.plan = plan
        self.tree = self.scopes.module.node
        self.names = ImportNames(self.scopes)
        self.replaced: dict[ast.AST, tuple[Part, ...]] = dict(plan.replacements)
        self.removed: list[ast.stmt] = []

    def edits(self) -> list[Edit]:
        self._replace_names()
        self._remove_clients()
        live = self._live()
        edits = self.source.edits(self.tree, self.replaced, self.names, self.scopes.children)
        kept_comments = self._comments(edits)
        edits += [removal(self.source, self.scopes, statement) for statement in self.removed]
        edits += self._imports(live)
        edits += [*self._notes(), *kept_comments]
        return sorted(edits, key=lambda edit: (edit.start, edit.end))

    # --- names of the Catalog that are reached by the old root

    def _replace_names(self) -> None:
        for found in self.plan.found:
            if found.resolved.verdict != "same" or not isinstance(found.node, ast.Attribute):
                continue
            chain = [found.node]
            while isinstance(chain[-1].value, ast.Attribute):
                chain.append(chain[-1].value)
            if self._is_converted(chain[-1].value):
                continue
            # The link of the chain that is the name itself, or the module.
            for link in chain:
                value = self.inference.value(link)
                if isinstance(value, Symbol):
                    resolved = resolve(value.path)
                    if resolved.verdict == "same" and not resolved.rest:
                        self.replaced.setdefault(link, (self._need(resolved.module, resolved.name),))
                        break

    def _need(self, module: str, name: str) -> Need:
        return Need(module, name) if name else Need(*module.rsplit(".", 1))

    def _is_converted(self, base: ast.expr) -> bool:
        """Return whether an import is converted to one of this package, under the same name."""
        value = self.inference.value(base)
        return isinstance(value, Symbol) and resolve(value.path).verdict == "same"

    # --- what is not used any more

    def _live(self) -> set[ast.AST]:
        """Return the nodes that the new text has."""
        live: set[ast.AST] = set()
        todo: list[ast.AST] = [self.tree]
        removed = set(self.removed)
        while todo:
            node = todo.pop()
            if node in removed:
                continue
            live.add(node)
            if node in self.replaced:
                todo += _nodes_of(self.replaced[node])
            else:
                todo += self.scopes.children[node]
        return live

    def _remove_clients(self) -> None:
        """Remove `client = Client()` if no use of the client is left."""
        live = self._live()
        for node in self.scopes.nodes:
            match node:
                case ast.Assign(targets=[ast.Name() as target], value=ast.Call() as call) if not any(
                    isinstance(part, ast.Call) for part in ast.walk(call) if part is not call
                ):
                    value = self.inference.value(call)
                    if (
                        isinstance(value, Instance)
                        and self.inference.api.types[value.type].is_client
                        and self.inference.definitions.is_used(target)
                        and not self._is_read(target.id, live)
                    ):
                        self.removed.append(node)

    def _is_read(self, name: str, live: set[ast.AST]) -> bool:
        return any(
            isinstance(node.ctx, ast.Load) and node.id == name and node in live for node in self.scopes.names
        )

    # --- imports

    def _imports(self, live: set[ast.AST]) -> list[Edit]:
        statements = [node for node in self.scopes.nodes if isinstance(node, ast.stmt) and is_old(node)]
        statements.sort(key=lambda node: (node.lineno, node.col_offset))
        dropped = self._dropped(live)
        edits: list[Edit] = []
        added = new_imports(self.names.needed)
        for statement in statements:
            assert isinstance(statement, (ast.Import, ast.ImportFrom))
            lines = convert_import(statement, dropped)
            is_certain = isinstance(self.scopes.parents[statement], (ast.Module, ast.Try))
            is_global = self.scopes.scope_of(statement) is self.scopes.module
            here = added if is_certain and is_global else []
            if lines is None and not here:
                continue
            kept = self.source.segment(statement)
            edits.append(
                edit_import(self.source, self.scopes, statement, [kept] if lines is None else lines, here)
            )
            if here:
                added = []
        if added:
            at = self._top()
            edits.append(Edit(at, at, "".join(f"{line}\n" for line in added)))
        return edits

    def _dropped(self, live: set[ast.AST]) -> set[ast.AST]:
        """Return the imported names that had uses, none of which is left."""
        found: set[ast.AST] = set()
        for scope in {*self.scopes.names.values(), self.scopes.module}:
            for name, bindings in scope.bindings.items():
                for binding in bindings:
                    if binding.kind == "import" and binding.owner is not None and is_old(binding.owner):
                        loads = [
                            node
                            for node, where in self.scopes.names.items()
                            if node.id == name and where.find(name) is scope
                        ]
                        if loads and not any(node in live for node in loads):
                            found.add(binding.node)
        return found

    def _top(self) -> int:
        """Return the position of the first statement after the docstring and the imports of the future."""
        assert isinstance(self.tree, ast.Module)
        for position, statement in enumerate(self.tree.body):
            is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
            if not is_future and not (position == 0 and is_text):
                return self.source.line_start(_first_line(statement))
        return len(self.source.text)

    # --- comments

    def _notes(self) -> Iterator[Edit]:
        seen: set[tuple[int, str]] = set()
        for node, text in sorted(self.plan.notes, key=lambda note: note[0].lineno):  # type: ignore[attr-defined]
            line = self._line_of(self.scopes.statement_of(node))
            if (line, text) in seen or self._has_note(line, text):
                continue
            seen.add((line, text))
            yield self._comment(line, f"{MARK}{text}")

    def _comment(self, line: int, text: str) -> Edit:
        at = self.source.line_start(line)
        rest = self.source.text[at:]
        indent = rest[: len(rest) - len(rest.lstrip(" \t"))]
        return Edit(at, at, f"{indent}{text}\n")

    def _has_note(self, line: int, text: str) -> bool:
        while line > 1:
            line -= 1
            above = self.source.text[self.source.line_start(line) : self.source.line_start(line + 1)].strip()
            if not above.startswith("#"):
                return False
            if above == f"{MARK}{text}":
                return True
        return False

    def _line_of(self, statement: ast.AST) -> int:
        """Return the line above which a comment about a statement can stand."""
        while True:
            line = _first_line(statement)
            if self.source.indent(statement) is not None and not self._is_continued(line):
                return line
            around = [
                node
                for node in self.scopes.nodes
                if isinstance(node, ast.stmt)
                and node is not statement
                and (_first_line(node), node.col_offset) < (line, statement.col_offset)  # type: ignore[attr-defined]
                and (node.end_lineno or 0) >= line - self._is_continued(line)
            ]
            if not around:
                return line
            statement = max(around, key=lambda node: (node.lineno, node.col_offset))

    def _is_continued(self, line: int) -> bool:
        if line == 1:
            return False
        before = self.source.text[self.source.line_start(line - 1) : self.source.line_start(line)]
        return before.rstrip("\r\n").endswith("\\")

    def _comments(self, edits: list[Edit]) -> list[Edit]:
        """Return the comments inside replaced text that the new text lacks, to stand above it."""
        multiline = [edit for edit in edits if "\n" in self.source.text[edit.start : edit.end]]
        found: list[Edit] = []
        for edit in multiline:
            text = self.source.text[edit.start : edit.end]
            if "#" not in text:
                continue
            line = self.source.text.count("\n", 0, edit.start) + 1
            lost = [comment for comment in _comments_of(text) if comment not in edit.text]
            found += [self._comment(line, comment) for comment in lost]
        return found


def _comments_of(text: str) -> list[str]:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({text})").readline))
    except (tokenize.TokenError, SyntaxError):
        return []
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def _nodes_of(parts: tuple[Part, ...]) -> list[ast.AST]:
    nodes = []
    for part in parts:
        if isinstance(part, (Primary, Operand)):
            nodes.append(part.node)
        elif isinstance(part, ast.AST):
            nodes.append(part)
    return nodes


def _first_line(statement: ast.AST) -> int:
    decorators = getattr(statement, "decorator_list", ())
    lines: list[int] = [statement.lineno, *(item.lineno for item in decorators)]  # type: ignore[attr-defined]
    return min(lines)
