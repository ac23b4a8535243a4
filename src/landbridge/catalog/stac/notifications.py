"""Destinations and subscriptions of events: stored by the /notifications routes, searched on the client."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from landbridge.catalog.client.http import MERGE_PATCH, escape
from landbridge.catalog.search.client_side_filter import select
from landbridge.catalog.stac.requests import delete_path, get_or_none, writing
from landbridge.catalog.stac.searches import PAGE_SIZE
from landbridge.exceptions import BadRequestError
from landbridge.mappings import cql2, ids
from landbridge.utils.expressions import Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.search.query import Query
    from landbridge.catalog.stac.resource import Headers, Params

__all__ = ["DESTINATIONS", "SUBSCRIPTIONS", "Notifications", "joined_id", "split_id"]

_NEW_IMAGE: Final = "new-image"
_SEARCHABLE: Final = ("namespace", "name", "description")
_SAME: Final = ("namespace", "name", "description", "tags", "extra_properties")
_ACCESS: Final = "it belongs to the user that makes it, and nobody else sees it"
# Attributes that cannot be set, with the reason or what to use instead.
_OF_BOTH: Final = dict.fromkeys(("owners", "readers", "writers"), _ACCESS)
_UNSUPPORTED_OF_SUBSCRIPTIONS: Final = {
    **_OF_BOTH,
    "event_source": "new images have one source only",
}
_UNSUPPORTED_OF_DESTINATIONS: Final = {
    **_OF_BOTH,
    "is_core": "only the old platform had such destinations",
    "invocation_rate": "the service sends one event of a product at a time; answer 429 to slow it down",
    "connection_name": "use `name`",
    "connection_description": "use `description`",
    "connection_query_string_parameters": "put them into `endpoint`",
    "connection_body_parameters": "the body is the event",
    **dict.fromkeys(("arn", "connection_arn"), "it named a resource of the old platform's cloud"),
    **{
        f"connection_oauth_{name}": "requests are signed instead; see `signing_secret`"
        for name in (
            *("endpoint", "method", "client_id", "client_secret"),
            *("header_parameters", "query_string_parameters", "body_parameters"),
        )
    },
}
_HEADER_ATTRIBUTES: Final = (
    "connection_header_parameters",
    "connection_authorization_type",
    "connection_api_key_name",
    "connection_api_key_value",
    "connection_basic_username",
    "connection_basic_password",
)


def joined_id(namespace: str, name: str) -> str:
    """Return the id of a namespace and a name."""
    return f"{ids.encode_blob_path(namespace)}:{name}"


def split_id(id: str) -> tuple[str, str]:
    """Return the namespace and the name of an id."""
    namespace, _, name = id.rpartition(":")
    return namespace, name


@dataclass(frozen=True, slots=True)
class Notifications:
    """One of the two classes of objects.

    `to_attributes` makes attributes of a record, `to_body` a request of changed attributes and the record.
    """

    path: str
    member: str
    to_attributes: Callable[[Mapping[str, Any]], dict[str, Any]]
    to_body: Callable[[Mapping[str, Any], Mapping[str, Any] | None], dict[str, Any]]

    def attributes(self, record: Any) -> dict[str, Any]:
        same = {name: record.get(name) for name in (*_SAME, "id", "created", "modified")}
        owners = {"owners": [record["owner"]], "readers": [], "writers": []}
        return {**same, **owners, **self.to_attributes(record)}

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        return get_or_none(client, self._path_of(id), params, headers)

    def get_many(
        self, client: CatalogClient, identifiers: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        found = {identifier: self.get(client, identifier, params, headers) for identifier in identifiers}
        return {identifier: record for identifier, record in found.items() if record is not None}

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        with writing(client):
            return client.post(self.path, self._body(attributes, None), headers=headers)

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        body = self._body(changes, record)
        with writing(client):
            return client.request(
                "PATCH", self._path_of(id), document=body, content_type=MERGE_PATCH, headers=headers
            )

    def delete(self, client: CatalogClient, id: str) -> Any:
        return delete_path(client, self._path_of(id))

    def _path_of(self, id: str) -> str:
        return f"{self.path}/{escape(id)}"

    def _body(self, attributes: Mapping[str, Any], record: Mapping[str, Any] | None) -> dict[str, Any]:
        same = {name: value for name, value in attributes.items() if name in _SAME}
        rest = {name: value for name, value in attributes.items() if name not in _SAME}
        return {**same, **self.to_body(rest, record)}

    # Searches
    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        return iter([self._matching(client, query)])

    def count(self, client: CatalogClient, query: Query) -> int:
        return len(self._matching(client, query))

    def _matching(self, client: CatalogClient, query: Query) -> list[Any]:
        records: list[Any] = []
        matched = 1
        while len(records) < matched:
            params = {"limit": PAGE_SIZE, "offset": len(records), **query.params}
            page = client.get(self.path, params, headers=query.headers)
            records += page[self.member]
            matched = page["numberMatched"] if page[self.member] else 0
        found = select(records, query, self.attributes, _SEARCHABLE)
        return [record for record in found if _intersects(record, query)]


def _intersects(record: Mapping[str, Any], query: Query) -> bool:
    if query.geometry is None:
        return True
    if record.get("geometry") is None:
        return query.match_null_geometry
    from shapely.geometry import shape

    return bool(shape(record["geometry"]).intersects(shape(query.geometry)))


def _refuse(attributes: Mapping[str, Any], unsupported: Mapping[str, str]) -> None:
    for name, why in unsupported.items():
        if attributes.get(name):
            raise BadRequestError(f"`{name}` cannot be set: {why}.")


# Subscriptions
def _attributes_of_subscription(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: record[name] for name in ("owner", "geometry", "expires", "enabled")},
        "event_type": [_NEW_IMAGE],
        "event_namespace": record["products"],
        "event_filters": [] if record["filter"] is None else [record["filter"]],
        "targets": [{"rule_id": record["destination"]}],
    }


def _body_of_subscription(attributes: Mapping[str, Any], record: Mapping[str, Any] | None) -> dict[str, Any]:
    _refuse(attributes, _UNSUPPORTED_OF_SUBSCRIPTIONS)
    if (record is None or "event_type" in attributes) and attributes.get("event_type") != [_NEW_IMAGE]:
        raise BadRequestError(
            "`event_type` must be [EventType.NEW_IMAGE]: the service notifies of new images only. For other "
            "kinds, run a script that searches for what is new."
        )
    body = {name: attributes[name] for name in ("geometry", "expires", "enabled") if name in attributes}
    if "event_namespace" in attributes or record is None:
        body["products"] = attributes.get("event_namespace")
    if "event_filters" in attributes:
        body["filter"] = _filter(attributes["event_filters"])
    if "targets" in attributes or record is None:
        body["destination"] = _destination(attributes.get("targets") or [])
    return body


def _filter(filters: Any) -> Any:
    if not filters:
        return None
    if len(filters) > 1:
        raise BadRequestError("`event_filters` has several conditions; combine them by & or | into one.")
    (one,) = filters
    try:
        return cql2.to_cql2(one.serialize(), "image") if isinstance(one, Expression) else one
    except (AttributeError, ValueError) as error:
        raise BadRequestError(f"`event_filters`: {error}") from error


def _destination(targets: list[Mapping[str, Any]]) -> str:
    if len(targets) != 1 or not targets[0].get("rule_id"):
        raise BadRequestError(
            "`targets` needs one EventSubscriptionTarget; its `rule_id` is the id of an EventApiDestination. "
            "For several destinations, make several subscriptions."
        )
    if targets[0].get("detail_template"):
        raise BadRequestError(
            "`detail_template` cannot be set: events have one form; see docs/notifications.md."
        )
    return str(targets[0]["rule_id"])


# Destinations
def _attributes_of_destination(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "endpoint": record["url"],
        "method": "POST",
        "is_core": False,
        "connection_header_parameters": [{"Key": name, "IsValueSecret": True} for name in record["headers"]],
    }


def _body_of_destination(attributes: Mapping[str, Any], record: Mapping[str, Any] | None) -> dict[str, Any]:
    _refuse(attributes, _UNSUPPORTED_OF_DESTINATIONS)
    if attributes.get("method") not in (None, "POST"):
        raise BadRequestError(f"`method` is {attributes['method']!r}; events are sent by POST.")
    body: dict[str, Any] = {}
    if "endpoint" in attributes or record is None:
        body["url"] = attributes.get("endpoint")
    if any(attributes.get(name) is not None for name in _HEADER_ATTRIBUTES):
        body["headers"] = _headers(attributes)
        lost = set((record or {}).get("headers", ())) - body["headers"].keys()
        if lost and "connection_header_parameters" not in attributes:
            raise BadRequestError(
                f"Headers are replaced as a whole, and {', '.join(sorted(lost))} would be lost: set "
                "`connection_header_parameters` as well."
            )
    return body


def _headers(attributes: Mapping[str, Any]) -> dict[str, str]:
    headers = {}
    for one in attributes.get("connection_header_parameters") or ():
        if not one.get("Key") or not one.get("Value"):
            raise BadRequestError("Each of `connection_header_parameters` needs a `Key` and a `Value`.")
        headers[one["Key"]] = one["Value"]
    kind = attributes.get("connection_authorization_type")
    if kind == "API_KEY":
        name, value = (attributes.get(f"connection_api_key_{part}") for part in ("name", "value"))
        if not name or not value:
            raise BadRequestError("API_KEY needs `connection_api_key_name` and `connection_api_key_value`.")
        headers[name] = value
    elif kind == "BASIC":
        user, password = (attributes.get(f"connection_basic_{part}") for part in ("username", "password"))
        if not user or not password:
            raise BadRequestError("BASIC needs `connection_basic_username` and `connection_basic_password`.")
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    elif kind is not None or any(attributes.get(name) for name in _HEADER_ATTRIBUTES[2:]):
        raise BadRequestError("`connection_authorization_type` must be 'API_KEY' or 'BASIC'.")
    return headers


SUBSCRIPTIONS = Notifications(
    "/notifications/subscriptions", "subscriptions", _attributes_of_subscription, _body_of_subscription
)
DESTINATIONS = Notifications(
    "/notifications/destinations", "destinations", _attributes_of_destination, _body_of_destination
)
