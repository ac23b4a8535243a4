"""Filters as queries have them: ids in place of objects, and the product ids apart from the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from landbridge.catalog.model.references import CatalogObjectReference
from landbridge.catalog.model.unknown_names import unknown_attribute
from landbridge.catalog.search.cql2_expression import Cql2Expression
from landbridge.catalog.search.filter_values import check_values
from landbridge.utils.expressions import AndExpression, EqExpression, Expression, OrExpression
from landbridge.utils.json_values import json_value

__all__ = ["split_products", "with_reference_ids"]


def with_reference_ids(expression: Expression, model: type[Any]) -> Expression:
    """Return the expression with references replaced by ids; AttributeError for an unknown attribute."""
    if isinstance(expression, (AndExpression, OrExpression)):
        return type(expression)(tuple(with_reference_ids(part, model) for part in expression.parts))
    if isinstance(expression, Cql2Expression):
        return expression.of_kind(getattr(model, "_doc_type", ""))
    name = getattr(expression, "name", "")
    attribute = model._attribute_types.get(name)
    if attribute is None:
        raise unknown_attribute(model, name, model._attribute_types)
    check_values(expression, attribute)
    if isinstance(attribute, CatalogObjectReference):
        return replace(expression, name=attribute.id_field)  # type: ignore[type-var] # all leaves are dataclasses
    return expression


def split_products(expression: Expression) -> tuple[tuple[str, ...] | None, Expression | None]:
    """Return the product ids that the terms joined by AND allow (None: any), and the other terms."""
    terms = expression.parts if isinstance(expression, AndExpression) else (expression,)
    allowed: dict[str, None] | None = None
    rest = []
    for term in terms:
        ids = _product_ids(term)
        if ids is None:
            rest.append(term)
        else:
            allowed = dict.fromkeys(one for one in ids if allowed is None or one in allowed)
    remaining = None if not rest else rest[0] if len(rest) == 1 else AndExpression(tuple(rest))
    return (None if allowed is None else tuple(allowed)), remaining


def _product_ids(term: Expression) -> list[str] | None:
    """Return the product ids that a term allows; None if it has any other condition."""
    if isinstance(term, EqExpression):
        return [json_value(term.value)] if term.name == "product_id" else None
    if isinstance(term, AndExpression):
        inner = split_products(term)
        return None if inner[0] is None or inner[1] is not None else list(inner[0])
    if isinstance(term, OrExpression):
        ids: list[str] = []
        for part in term.parts:
            inner_ids = _product_ids(part)
            if inner_ids is None:
                return None
            ids.extend(inner_ids)
        return ids
    return None
