"""Destinations of events: the addresses to which the service sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from landbridge.catalog.events.namespaced import NamespacedObject
from landbridge.catalog.model.attribute_list import ListAttribute
from landbridge.catalog.model.attribute_mapping import MappingAttribute, ValueAttribute
from landbridge.catalog.model.attributes import BooleanAttribute, TypedAttribute
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.search.search import Search
from landbridge.catalog.stac.notifications import DESTINATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.stac.resource import Resource
    from landbridge.catalog.type_hints.attributes import (
        ConnectionParameters,
        Flag,
        Integer,
        RequiredText,
        Text,
    )
    from landbridge.catalog.type_hints.keywords import (
        EventApiDestinationKeywords,
        EventConnectionParameterKeywords,
    )

__all__ = [
    "EventApiDestination",
    "EventApiDestinationCollection",
    "EventApiDestinationSearch",
    "EventConnectionParameter",
]

_UNSUPPORTED = "Not supported: leave it unset."


class EventConnectionParameter(MappingAttribute):
    """Header that is sent with each event.

    Parameters
    ----------
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> from landbridge.catalog.events import EventConnectionParameter
    >>> EventConnectionParameter(Key="X-Team", Value="floods", IsValueSecret=True)
    EventConnectionParameter(Key='X-Team')
    """

    Key: Text = TypedAttribute(str, doc="Name of the header.")
    Value: Text = TypedAttribute(str, doc="Value of the header. The service never returns it.")
    IsValueSecret: Flag = TypedAttribute(
        bool, doc="True if the value is a secret. All values are treated as such."
    )

    if TYPE_CHECKING:

        def __init__(self, **kwargs: Unpack[EventConnectionParameterKeywords]) -> None: ...

    # A value may be a secret, which is no part of a text or a pickle.
    def __repr__(self) -> str:
        return f"{type(self).__name__}(Key={self.Key!r})"

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {**state, "_values": {key: one for key, one in state["_values"].items() if key != "Value"}}


class EventApiDestination(NamespacedObject):
    """Address to which the service sends events, by signed HTTP requests.

    `name` and `endpoint` are required. After the first `save`, `signing_secret` has the secret of the
    signatures; it cannot be read again. Secrets are left out of copies and pickles.

    Parameters
    ----------
    client : CatalogClient, optional
        Client to use. By default the default client.
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> from landbridge.catalog.events import EventApiDestination
    >>> hook = EventApiDestination(namespace="docs", name="hook", endpoint="https://hooks.example/new")
    >>> hook.save()
    >>> hook.id, hook.signing_secret[:6]
    ('local:docs:hook', 'whsec_')
    >>> EventApiDestination.get(hook.id).signing_secret is None
    True
    >>> hook.delete()
    """

    _resource: ClassVar[Resource] = DESTINATIONS
    _doc_type = "event_api_destination"
    _SECRETS = frozenset({"connection_api_key_value", "connection_basic_password"})

    is_core: Flag = BooleanAttribute(doc=f"True for destinations of the old platform. {_UNSUPPORTED}")
    endpoint: RequiredText = TypedAttribute(str, doc="HTTPS address that gets the events.")
    method: Text = TypedAttribute(str, doc="HTTP method, always `POST`.")
    invocation_rate: Integer = TypedAttribute(int, doc=f"Requests per second. {_UNSUPPORTED}")
    arn: Text = TypedAttribute(str, doc=f"Name in the old platform's cloud. {_UNSUPPORTED}")
    connection_name: Text = TypedAttribute(str, doc=f"Name of the connection. {_UNSUPPORTED}")
    connection_description: Text = TypedAttribute(str, doc=f"Description of the connection. {_UNSUPPORTED}")
    connection_header_parameters: ConnectionParameters = ListAttribute(
        ValueAttribute(EventConnectionParameter),
        doc="Headers to send: a list of `EventConnectionParameter`. The service returns no values.",
    )
    connection_query_string_parameters: ConnectionParameters = ListAttribute(
        ValueAttribute(EventConnectionParameter),
        doc="Parameters of the query: put them into `endpoint`. Not supported here.",
    )
    connection_body_parameters: ConnectionParameters = ListAttribute(
        ValueAttribute(EventConnectionParameter), doc=f"Parameters of the body. {_UNSUPPORTED}"
    )
    connection_authorization_type: Text = TypedAttribute(
        str, doc="`API_KEY` or `BASIC`: the values below are sent as a header."
    )
    connection_api_key_name: Text = TypedAttribute(str, doc="Header of the API key.")
    connection_api_key_value: Text = TypedAttribute(str, doc="API key. The service never returns it.")
    connection_basic_username: Text = TypedAttribute(str, doc="User name of HTTP Basic authentication.")
    connection_basic_password: Text = TypedAttribute(
        str, doc="Password of HTTP Basic authentication. The service never returns it."
    )
    connection_oauth_endpoint: Text = TypedAttribute(str, doc=f"Token endpoint of OAuth. {_UNSUPPORTED}")
    connection_oauth_method: Text = TypedAttribute(str, doc=f"HTTP method of OAuth. {_UNSUPPORTED}")
    connection_oauth_client_id: Text = TypedAttribute(str, doc=f"Client of OAuth. {_UNSUPPORTED}")
    connection_oauth_client_secret: Text = TypedAttribute(str, doc=f"Secret of OAuth. {_UNSUPPORTED}")
    connection_oauth_header_parameters: ConnectionParameters = ListAttribute(
        ValueAttribute(EventConnectionParameter), doc=f"Headers of OAuth. {_UNSUPPORTED}"
    )
    connection_oauth_query_string_parameters: ConnectionParameters = ListAttribute(
        ValueAttribute(EventConnectionParameter), doc=f"Query of OAuth. {_UNSUPPORTED}"
    )
    connection_oauth_body_parameters: ConnectionParameters = ListAttribute(
        ValueAttribute(EventConnectionParameter), doc=f"Body of OAuth. {_UNSUPPORTED}"
    )
    connection_arn: Text = TypedAttribute(str, doc=f"Name in the old platform's cloud. {_UNSUPPORTED}")

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            client: CatalogClient | None = None,
            id: str = ...,
            **kwargs: Unpack[EventApiDestinationKeywords],
        ) -> None: ...

        def update(  # type: ignore[override] # these names only
            self, ignore_errors: bool = False, **kwargs: Unpack[EventApiDestinationKeywords]
        ) -> None: ...

    def _initialise(self) -> None:
        super()._initialise()
        self._signing_secret: str | None = None

    def _load(self, record: Any) -> None:
        document = dict(record)
        # Only the answer to the creation has it.
        self._signing_secret = document.pop("secret", None) or self._signing_secret
        super()._load(document)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_signing_secret": None}

    @property
    def signing_secret(self) -> str | None:
        """Secret of the signatures, if this object has created the destination; None otherwise."""
        return self._signing_secret

    @classmethod
    def search(
        cls,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> EventApiDestinationSearch:
        """Return a search for the caller's destinations.

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
        EventApiDestinationSearch
            Search to filter, sort, limit, iterate or collect.

        Examples
        --------
        >>> from landbridge.catalog.events import EventApiDestination
        >>> EventApiDestination.search().filter(p.name == "nothing").count()
        0
        """
        return EventApiDestinationSearch(cls, client, request_params=request_params, headers=headers)


class EventApiDestinationCollection(Collection[EventApiDestination]):
    """Collection of destinations.

    Parameters
    ----------
    iterable : iterable, optional
        Destinations.
    item_type : type, optional
        Class of the elements.
    """

    _item_type = EventApiDestination


EventApiDestination._collection_type = EventApiDestinationCollection


class EventApiDestinationSearch(Search[EventApiDestination]):
    """Search for destinations.

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
