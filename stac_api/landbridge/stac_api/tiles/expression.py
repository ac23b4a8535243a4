"""Expressions of bands, such as `(nir - red) / (nir + red)`: our own parser and evaluation.

An expression comes from a stranger. It becomes a tree of at most `MAX_NODES` nodes of the kinds below and
nothing else: no code is run, and one evaluation costs one pass over the pixels per node. Operators, their
precedence and the functions are those of numexpr, which titiler uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = [
    "FUNCTIONS",
    "MAX_NODES",
    "Node",
    "band_names",
    "cost",
    "evaluate",
    "parse",
    "parse_all",
    "to_text",
    "with_names",
]

MAX_NODES: Final = 64
"""Most nodes of all expressions of a request together."""
MAX_TEXT: Final = 2000
"""Most characters of all expressions of a request together."""
MAX_EXPONENT: Final = 8
_MAX_DEPTH = 32
_SHOWN = 40
_BLOCK_VALUES = 2**15
_LARGEST = float(np.finfo(np.float32).max)

Pixels = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Node:
    """Node of an expression's tree.

    Attributes
    ----------
    kind : str
        "number", "band", an operator, "negative" or the name of a function.
    value : float or str
        Number, or name of the band; empty for other kinds.
    children : tuple of Node
        Operands or arguments.
    """

    kind: str
    value: float | str = ""
    children: tuple[Node, ...] = ()


def _truth(left: Pixels, right: Pixels, both: Callable[[Any, Any], Pixels]) -> Pixels:
    return both(left != 0, right != 0)


def _where(condition: Pixels, yes: Pixels, no: Pixels) -> Pixels:
    # A condition that is not a number has no answer.
    return np.where(np.isnan(condition), np.float32(np.nan), np.where(condition != 0, yes, no))


# Operators by precedence, the weakest first, as in Python and numexpr.
_LEVELS: Final = (
    ("<", "<=", ">", ">=", "==", "!="),
    ("|",),
    ("&",),
    ("+", "-"),
    ("*", "/", "%"),
)
_OPERATORS: Final[dict[str, Callable[..., Pixels]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "|": lambda left, right: _truth(left, right, np.logical_or),
    "&": lambda left, right: _truth(left, right, np.logical_and),
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.mod,
    "**": np.power,
    "negative": np.negative,
}
_COMPARISONS = frozenset(_LEVELS[0])
# Functions, and their number of arguments.
FUNCTIONS: Final[dict[str, tuple[int, Callable[..., Pixels]]]] = {
    "abs": (1, np.abs),
    "sqrt": (1, np.sqrt),
    "exp": (1, np.exp),
    "log": (1, np.log),
    "log10": (1, np.log10),
    "sin": (1, np.sin),
    "cos": (1, np.cos),
    "tan": (1, np.tan),
    "arctan": (1, np.arctan),
    "arctan2": (2, np.arctan2),
    "floor": (1, np.floor),
    "ceil": (1, np.ceil),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
    "where": (3, _where),
}
# Additions that take as long as an operator or function; 1 for others.
_COSTS = dict.fromkeys(("exp", "log", "log10", "sin", "cos", "tan", "arctan", "arctan2", "**", "%"), 8)
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_]\w*)
    |"(?P<quoted>[^"]+)"
    |(?P<sign>\*\*|<=|>=|==|!=|[-+*/%<>|&(),]))""",
    re.VERBOSE | re.ASCII,
)
_PLAIN = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII).match


def parse_all(text: str) -> tuple[Node, ...]:
    """Return the trees of expressions that are separated by semicolons.

    Raises
    ------
    BadRequestError
        If the text is no expression, or larger than allowed.
    """
    if len(text) > MAX_TEXT:
        raise BadRequestError(f"expression must have at most {MAX_TEXT} characters, got {len(text)}.")
    trees = tuple(parse(part) for part in _split(text))
    count = sum(1 for tree in trees for _ in _nodes(tree))
    if count > MAX_NODES:
        raise BadRequestError(
            f"expression must have at most {MAX_NODES} names, numbers, operators and functions, got {count}."
        )
    return trees


def parse(text: str) -> Node:
    """Return the tree of one expression; raise errors as `parse_all`."""
    if len(text) > MAX_TEXT:
        raise BadRequestError(f"expression must have at most {MAX_TEXT} characters, got {len(text)}.")
    return _Parser(text).whole()


def _split(text: str) -> list[str]:
    """Return the parts between semicolons that are not within a quoted name; a last empty one is left out."""
    parts = [""]
    quoted = False
    for character in text:
        quoted ^= character == '"'
        if character == ";" and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return parts[:-1] if len(parts) > 1 and not parts[-1].strip() else parts


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenized())
        self._position = 0
        self._depth = 0

    def _tokenized(self) -> Iterator[tuple[str, str]]:
        position, end = 0, len(self._text.rstrip())
        while position < end:
            match = _TOKEN.match(self._text, position)
            if match is None:
                raise self._error(f"{self._text[position:].strip()[:_SHOWN]!r} is not expected")
            assert match.lastgroup is not None
            yield match.lastgroup, match[match.lastgroup]
            position = match.end()

    def _error(self, problem: str) -> BadRequestError:
        return BadRequestError(
            f"expression {self._text.strip()[:_SHOWN]!r}: {problem}. It may have names of bands (within "
            f"double quotes if they are not identifiers), numbers, parentheses, + - * / % **, comparisons, & "
            f"| and the functions {', '.join(FUNCTIONS)}; expressions are separated by ;"
        )

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._position] if self._position < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._position += 1
        return token

    def _expect(self, sign: str) -> None:
        kind, text = self._next()
        if (kind, text) != ("sign", sign):
            raise self._error(
                f"{sign!r} is expected before {text[:_SHOWN]!r}"
                if text
                else f"{sign!r} is missing at the end"
            )

    def whole(self) -> Node:
        tree = self._level(0)
        kind, text = self._peek()
        if kind != "end":
            raise self._error(f"{text[:_SHOWN]!r} is not expected")
        return tree

    def _level(self, level: int) -> Node:
        """Parse the operators of a level and of all stronger ones."""
        self._depth += level == 0
        if self._depth > _MAX_DEPTH:
            raise self._error(f"parentheses are nested more than {_MAX_DEPTH} deep")
        if level == len(_LEVELS):
            return self._signed()
        left = self._level(level + 1)
        while self._peek()[0] == "sign" and self._peek()[1] in _LEVELS[level]:
            operator = self._next()[1]
            right = self._level(level + 1)
            if level == 0 and left.kind in _COMPARISONS:
                raise self._error("comparisons cannot be chained; join them by &, each in parentheses")
            left = Node(operator, "", (left, right))
        self._depth -= level == 0
        return left

    def _signed(self) -> Node:
        negative = False
        while self._peek() in (("sign", "-"), ("sign", "+")):
            negative ^= self._next()[1] == "-"
        operand = self._power()
        if not negative:
            return operand
        if operand.kind == "number":
            return Node("number", -float(operand.value))
        return Node("negative", "", (operand,))

    def _power(self) -> Node:
        base = self._primary()
        if self._peek() != ("sign", "**"):
            return base
        self._next()
        sign = -1.0 if self._peek() == ("sign", "-") else 1.0
        if self._peek() in (("sign", "-"), ("sign", "+")):
            self._next()
        kind, text = self._next()
        if kind != "number" or float(text) > MAX_EXPONENT or self._peek() == ("sign", "**"):
            raise self._error(f"an exponent must be a number from -{MAX_EXPONENT} to {MAX_EXPONENT}")
        return Node("**", "", (base, Node("number", sign * float(text))))

    def _primary(self) -> Node:
        kind, text = self._next()
        match kind:
            case "number":
                if float(text) > _LARGEST:
                    raise self._error(f"the number {text[:_SHOWN]} is too large")
                return Node("number", float(text))
            case "quoted":
                return Node("band", text)
            case "name":
                return self._call(text) if self._peek() == ("sign", "(") else Node("band", text)
            case "sign" if text == "(":
                inner = self._level(0)
                self._expect(")")
                return inner
        raise self._error(f"a value is expected before {text!r}" if text else "a value is missing at the end")

    def _call(self, name: str) -> Node:
        if name not in FUNCTIONS:
            raise self._error(f"the function {name[:_SHOWN]!r} is not known")
        self._next()
        arguments = [self._level(0)]
        while self._peek() == ("sign", ","):
            self._next()
            arguments.append(self._level(0))
        self._expect(")")
        expected, _ = FUNCTIONS[name]
        if len(arguments) != expected:
            raise self._error(f"{name} takes {expected} arguments, got {len(arguments)}")
        return Node(name, "", tuple(arguments))


def _nodes(tree: Node) -> Iterator[Node]:
    yield tree
    for child in tree.children:
        yield from _nodes(child)


def band_names(tree: Node) -> tuple[str, ...]:
    """Return the names of the bands in an expression, unique, in order."""
    return tuple(dict.fromkeys(str(node.value) for node in _nodes(tree) if node.kind == "band"))


def with_names(tree: Node, names: Mapping[str, str]) -> Node:
    """Return the tree with other names for its bands."""
    if tree.kind == "band":
        return Node("band", names[str(tree.value)])
    return Node(tree.kind, tree.value, tuple(with_names(child, names) for child in tree.children))


def to_text(tree: Node) -> str:
    """Return the text of a tree, with all parentheses, for `parse`."""
    parts = [to_text(child) for child in tree.children]
    match tree.kind:
        case "number":
            return repr(tree.value) if float(tree.value) >= 0 else f"({tree.value!r})"
        case "band":
            name = str(tree.value)
            return name if _PLAIN(name) else f'"{name}"'
        case "negative":
            return f"(-{parts[0]})"
        case "**":
            return f"({parts[0]}**{tree.children[1].value!r})"
        case kind if kind in FUNCTIONS:
            return f"{kind}({', '.join(parts)})"
    return f"({parts[0]} {tree.kind} {parts[1]})"


def evaluate(tree: Node, bands: Mapping[str, Pixels]) -> Pixels:
    """Return the values of an expression as float32; not finite if a pixel has no value.

    Parameters
    ----------
    tree : Node
        Expression.
    bands : mapping of str to numpy.ndarray
        Pixels of each band, float32, of one shape.
    """
    shape = next(iter(bands.values())).shape
    out = np.empty(shape, np.float32)
    # Intermediate values of a few rows fit into a processor's cache, and those of all rows not into memory.
    rows = max(1, _BLOCK_VALUES * shape[0] // max(1, out.size))
    with np.errstate(all="ignore"):
        for start in range(0, shape[0], rows):
            part = slice(start, start + rows)
            out[part] = _value(tree, {name: values[part] for name, values in bands.items()})
    return out


def cost(tree: Node) -> int:
    """Return the work that one pixel takes, in additions."""
    return sum(_COSTS.get(node.kind, 1) for node in _nodes(tree) if node.children)


def _value(tree: Node, bands: Mapping[str, Pixels]) -> Pixels:
    if tree.kind == "number":
        return np.asarray(tree.value, np.float32)
    if tree.kind == "band":
        return bands[str(tree.value)]
    operands = [_value(child, bands) for child in tree.children]
    compute = FUNCTIONS[tree.kind][1] if tree.kind in FUNCTIONS else _OPERATORS[tree.kind]
    return np.asarray(compute(*operands), np.float32)
