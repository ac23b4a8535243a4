"""Prefixes of new ids: the organization that a product id or a namespace of blobs begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.mappings.organizations import organization_of

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient

__all__ = ["prefixed_id", "prefixed_namespace"]


def prefixed_id(identifier: str, client: CatalogClient) -> str:
    """Return a product id with the caller's prefix, unless it begins with an organization of the caller."""
    prefix = f"{client.auth.id_prefix}:"
    if identifier.startswith(prefix) or _has_organization(identifier, client):
        return identifier
    return prefix + identifier


def prefixed_namespace(namespace: str | None, client: CatalogClient) -> str:
    """Return a namespace with the caller's prefix, unless it is, or begins with, one of its organizations.

    Without a namespace, return the user's own.
    """
    auth = client.auth
    prefix = auth.id_prefix
    if not namespace:
        return f"{prefix}:{auth.namespace}" if auth.org else prefix
    if namespace in (prefix, *auth.organizations) or namespace.startswith(f"{prefix}:"):
        return namespace
    return namespace if _has_organization(namespace, client) else f"{prefix}:{namespace}"


def _has_organization(name: str, client: CatalogClient) -> bool:
    """Return whether a name begins with an organization in which the caller may create objects."""
    organization = organization_of(name)
    if organization is None:
        return False
    # The user of the embedded stack is its operator, whatever identity was given to the client.
    if client.configured_url is None or client.auth.any_organization:
        return True
    return organization in client.auth.organizations
