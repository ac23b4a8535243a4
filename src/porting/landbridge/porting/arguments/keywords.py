"""Keywords of the old clients' methods, which had other names in other versions.

`old_method` makes a method warn once for each line that calls it, translates the names of earlier versions,
and refuses a keyword that nothing stands for. No argument is dropped.
"""

from __future__ import annotations

import functools
import inspect
import textwrap
from typing import TYPE_CHECKING, Any, TypeVar, cast

from landbridge.porting.arguments.errors import UnknownArgumentError, UnsupportedArgumentError
from landbridge.porting.deprecations import warn_deprecated
from landbridge.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

__all__ = ["old_method", "refuse_unknown"]

Method = TypeVar("Method", bound="Callable[..., Any]")


def old_method(
    use: str,
    *,
    renamed: Mapping[str, str] | None = None,
    gone: Mapping[str, str] | None = None,
    about: Mapping[str, str] | None = None,
) -> Callable[[Method], Method]:
    """Return a decorator for a public method of an old client.

    Parameters
    ----------
    use : str
        Call of the Catalog API that the warning names.
    renamed : mapping of str to str, optional
        Keywords of other versions of the method, and their names in its signature.
    gone : mapping of str to str, optional
        Keywords that cannot be honored, and what to do instead. None and False are accepted as their value.

    about : mapping of str to str, optional
        Type and text of parameters that several methods have, by name, separated by a colon. With the
        defaults of the signature they become the section "Parameters" of the docstring.

    Returns
    -------
    callable
        Decorator. The decorated method raises UnknownArgumentError for a keyword that is in no table and
        not in the signature, and UnsupportedArgumentError for one that is gone.
    """
    names, refused = dict(renamed or {}), dict(gone or {})

    def decorate(method: Method) -> Method:
        kinds = list(inspect.signature(method).parameters.values())[1:]
        known = [parameter.name for parameter in kinds]
        if about is not None:
            method.__doc__ = _with_parameters(inspect.cleandoc(method.__doc__ or ""), kinds, about)
        takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in kinds)

        @functools.wraps(method)
        def call(self: object, *arguments: Any, **keywords: Any) -> Any:
            name = f"{type(self).__name__}.{method.__name__}"
            warn_deprecated(name, use)
            translated = _translate(name, keywords, names, refused)
            if not takes_any:
                refuse_unknown(name, translated, known, also=[*names, *refused])
            return method(self, *arguments, **translated)

        return cast("Method", call)

    return decorate


def _with_parameters(
    docstring: str, parameters: Iterable[inspect.Parameter], about: Mapping[str, str]
) -> str:
    """Return a docstring with the section "Parameters" before the first other one."""
    lines = ["Parameters", "----------"]
    for parameter in parameters:
        kind, text = about[parameter.name].split(": ", 1)
        default = parameter.default
        given = (
            ""
            if default is parameter.empty
            else ", optional"
            if default is None
            else f", default {default!r}"
        )
        lines.append(f"{parameter.name} : {kind}{given}")
        lines += textwrap.wrap(text, 100, initial_indent="    ", subsequent_indent="    ")
    head, _, rest = docstring.partition("\n\nReturns\n")
    section = "\n".join(lines)
    return f"{head}\n\n{section}" + (f"\n\nReturns\n{rest}" if rest else "")


def _translate(
    method: str, keywords: Mapping[str, Any], renamed: Mapping[str, str], gone: Mapping[str, str]
) -> dict[str, Any]:
    """Return the keywords with the names that the method has today."""
    result: dict[str, Any] = {}
    for keyword, value in keywords.items():
        if keyword in gone:
            if value is not None and value is not False:
                raise UnsupportedArgumentError(f"{method}(): `{keyword}` is not possible. {gone[keyword]}")
            continue
        name = renamed.get(keyword, keyword)
        if name in result or (name != keyword and name in keywords):
            raise UnknownArgumentError(
                f"{method}(): `{keyword}` and `{name}` are the same argument; give one."
            )
        result[name] = value
    return result


def refuse_unknown(
    what: str, given: Iterable[str], known: Collection[str], also: Collection[str] = ()
) -> None:
    """Raise UnknownArgumentError for the first name that is not known; `also` has names to suggest."""
    for name in given:
        if name not in known:
            hint = did_you_mean(name, [*known, *also]) or f" Known are {', '.join(sorted(known))}."
            raise UnknownArgumentError(f"{what}() has no argument '{name}'.{hint}")
