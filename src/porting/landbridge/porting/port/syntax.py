"""Trees of Python text, and why a text has none."""

from __future__ import annotations

import ast
import re
import warnings

__all__ = ["parse", "syntax_problem"]

_PYTHON_2 = re.compile(
    r"^\s*print\s+[^\s(=]|^\s*exec\s+['\"\w]|^\s*except\s+[\w.()]+\s*,\s*\w+\s*:|^\s*raise\s+\w+\s*,"
    r"|\bxrange\(|<>|\b0[0-7]+\b|\bur?['\"]|`[^`\n]+`",
    re.MULTILINE,
)


def parse(text: str) -> ast.Module:
    """Return the tree of a text; `await` may stand outside functions, as in notebooks.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        If the text is not Python 3, or is nested too deeply.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of invalid escapes in the script
        flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        tree = compile(text, "<script>", "exec", flags=flags, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def syntax_problem(error: BaseException, text: str) -> str:
    """Return why a text can't be parsed, in one sentence."""
    if isinstance(error, (RecursionError, MemoryError)):
        return "it is nested too deeply to be read"
    if isinstance(error, SyntaxError):
        if _PYTHON_2.search(text) and "print(" not in (error.text or ""):
            return (
                f"line {error.lineno} is not Python 3 ({error.msg}); it looks like Python 2, so convert it "
                "first, for example by fissix or 2to3"
            )
        return f"line {error.lineno} is not valid Python: {error.msg}"
    return f"it is not valid Python: {error}"
