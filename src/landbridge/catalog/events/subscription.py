"""Subscriptions to events: of these, to new images."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from landbridge.catalog.events.namespaced import NamespacedObject
from landbridge.catalog.model.attribute_list import ListAttribute
from landbridge.catalog.model.attribute_mapping import MappingAttribute, ValueAttribute
from landbridge.catalog.model.attributes import Attribute, BooleanAttribute, EnumAttribute, TypedAttribute
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.model.converters import GeometryAttribute, Timestamp
from landbridge.catalog.search.geo_search import GeoSearch
from landbridge.catalog.stac.notifications import SUBSCRIPTIONS
from landbridge.utils.expressions import Expression

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.stac.resource import Resource
    from landbridge.catalog.type_hints.attributes import (
        EventFilters,
        EventTargets,
        Flag,
        Geometry,
        ReadOnlyText,
        Text,
        Texts,
        Time,
    )
    from landbridge.catalog.type_hints.keywords import (
        EventSubscriptionKeywords,
        EventSubscriptionTargetKeywords,
    )

__all__ = [
    "EventSubscription",
    "EventSubscriptionCollection",
    "EventSubscriptionSearch",
    "EventSubscriptionTarget",
    "EventType",
    "NewImageEventSubscription",
]


class EventType(StrEnum):
    """Kind of an event; the service knows new images only."""

    NEW_IMAGE = "new-image"
    UPDATE_IMAGE = "update-image"
    NEW_STORAGE = "new-storage"
    UPDATE_STORAGE = "update-storage"
    NEW_VECTOR = "new-vector"
    UPDATE_VECTOR = "update-vector"
    SCHEDULED = "scheduled"
    COMPUTE_FUNCTION_COMPLETED = "compute-function-completed"


class EventSubscriptionTarget(MappingAttribute):
    """Destination of the events of a subscription.

    Parameters
    ----------
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> from landbridge.catalog.events import EventSubscriptionTarget
    >>> EventSubscriptionTarget(rule_id="local:hook")
    EventSubscriptionTarget(rule_id='local:hook')
    """

    rule_id: Text = TypedAttribute(str, doc="Id of an `EventApiDestination`: there are no rules in between.")
    detail_template: Text = TypedAttribute(str, doc="Template of the event. Not supported: leave it unset.")

    if TYPE_CHECKING:

        def __init__(self, **kwargs: Unpack[EventSubscriptionTargetKeywords]) -> None: ...


class ExpressionAttribute(Attribute):
    """A condition on images: an expression, or CQL2 as text or as JSON, which the service returns."""

    is_json = False

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        if validate and not isinstance(value, (Expression, Mapping, str)):
            raise self._invalid(value, "an expression such as p.cloud_fraction < 0.2, or CQL2")
        return value

    def serialize(self, value: Any, jsonapi_format: bool = False) -> Any:
        del jsonapi_format
        return value.serialize() if isinstance(value, Expression) else value

    def to_service(self, value: Any) -> Any:
        return value

    def same(self, one: Any, other: Any) -> bool:
        return bool(self.serialize(one) == self.serialize(other))


class EventSubscription(NamespacedObject):
    """Subscription to new images of products, which are sent to a destination.

    `name`, `event_type`, `event_namespace` and one target are required. The service sends images that are
    stored after the subscription was made, if its owner can read them at that time.

    Parameters
    ----------
    client : CatalogClient, optional
        Client to use. By default the default client.
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> from landbridge.catalog.events import EventApiDestination, EventSubscription
    >>> hook = EventApiDestination(namespace="docs", name="fields", endpoint="https://hooks.example/new")
    >>> hook.save()
    >>> subscription = EventSubscription(
    ...     namespace="docs",
    ...     name="clear",
    ...     event_type=["new-image"],
    ...     event_namespace=["local:docs-fields"],
    ...     event_filters=[p.cloud_fraction < 0.2],
    ...     targets=[{"rule_id": hook.id}],
    ... )
    >>> subscription.save()
    >>> subscription.id, subscription.enabled
    ('local:docs:clear', True)
    >>> subscription.delete()
    >>> hook.delete()
    """

    _resource: ClassVar[Resource] = SUBSCRIPTIONS
    _doc_type = "event_subscription"

    geometry: Geometry = GeometryAttribute(
        doc="Geometry in longitude and latitude: only images that intersect it. *Filterable.*"
    )
    expires: Time = Timestamp(doc="End of the subscription. *Filterable, sortable.*")
    owner: ReadOnlyText = TypedAttribute(
        str,
        readonly=True,
        doc="User that made the subscription; the service sets it. *Filterable, sortable.*",
    )
    owner_role_arn: ReadOnlyText = TypedAttribute(
        str, readonly=True, doc="Role in the old platform's cloud: always None."
    )
    event_type: Texts = ListAttribute(
        EnumAttribute(EventType), doc="Kinds of events: only `EventType.NEW_IMAGE`. *Filterable.*"
    )
    event_source: Texts = ListAttribute(
        TypedAttribute(str), doc="Sources of events. Not supported: leave it unset."
    )
    event_namespace: Texts = ListAttribute(
        TypedAttribute(str), doc="Ids of the products whose new images are sent. *Filterable.*"
    )
    event_filters: EventFilters = ListAttribute(
        ExpressionAttribute(),
        doc="At most one condition on images, as of `Image.search().filter`, or CQL2. The service returns it "
        "as CQL2 JSON.",
    )
    targets: EventTargets = ListAttribute(
        ValueAttribute(EventSubscriptionTarget),
        doc="The destination: a list of one `EventSubscriptionTarget`.",
    )
    enabled: Flag = BooleanAttribute(doc="False stops the subscription. *Filterable, sortable.*")

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            client: CatalogClient | None = None,
            id: str = ...,
            **kwargs: Unpack[EventSubscriptionKeywords],
        ) -> None: ...

        def update(  # type: ignore[override] # these names only
            self, ignore_errors: bool = False, **kwargs: Unpack[EventSubscriptionKeywords]
        ) -> None: ...

    @classmethod
    def search(
        cls,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> EventSubscriptionSearch:
        """Return a search for the caller's subscriptions.

        Parameters
        ----------
        client : CatalogClient, optional
            Client to use. By default the default client.
        request_params : dict, optional
            Further query parameters of the request.
        headers : dict, optional
            Further HTTP headers of the request.

        Returns
        -------
        EventSubscriptionSearch
            Search to filter, sort, limit, iterate or collect.

        Examples
        --------
        >>> from landbridge.catalog.events import EventSubscription
        >>> EventSubscription.search().filter(p.name == "nothing").count()
        0
        """
        return EventSubscriptionSearch(cls, client, request_params=request_params, headers=headers)


class NewImageEventSubscription(EventSubscription):
    """Subscription to new images of some products.

    Parameters
    ----------
    *product_ids : str
        Ids of the products.
    client : CatalogClient, optional
        Client to use. By default the default client.
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> from landbridge.catalog.events import NewImageEventSubscription
    >>> subscription = NewImageEventSubscription("local:docs-fields", name="fields")
    >>> subscription.event_type, subscription.event_namespace
    (['new-image'], ['local:docs-fields'])
    """

    def __init__(self, *product_ids: str, **kwargs: Any) -> None:
        if product_ids:
            kwargs = {"event_type": [EventType.NEW_IMAGE], "event_namespace": list(product_ids), **kwargs}
        super().__init__(**kwargs)


class EventSubscriptionCollection(Collection[EventSubscription]):
    """Collection of subscriptions.

    Parameters
    ----------
    iterable : iterable, optional
        Subscriptions.
    item_type : type, optional
        Class of the elements.
    """

    _item_type = EventSubscription


EventSubscription._collection_type = EventSubscriptionCollection


class EventSubscriptionSearch(GeoSearch[EventSubscription]):
    """Search for subscriptions.

    Parameters
    ----------
    model : type
        Class of the objects.
    client : CatalogClient, optional
        Client to use. By default the default client.
    url : str, optional
        Address of the API, if there is no `client`.
    includes : bool, default True
        Without effect.
    request_params : dict, optional
        Further query parameters of the requests.
    headers : dict, optional
        Further HTTP headers of the requests.
    """
