"""Content of each page, made of STAC documents.

Documents of other programs may hold values of any type anywhere, so the type of every value is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from landbridge.mappings import ids
from landbridge.stac_api.documents import links
from landbridge.stac_api.pages import connect
from landbridge.stac_api.pages import values as read
from landbridge.stac_api.pages.bands import bands_of
from landbridge.stac_api.pages.content import Asset, Card, Context, Link, Map, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["image", "images", "landing", "missing", "product", "products"]

_SUMMARY: Final = 240  # characters of a description on a card
_PREVIEW: Final = "preview"
_PREVIEW_SIZE: Final = 400  # pixels
_SEARCH_PARAMETERS: Final = ("q", "bbox", "datetime", "filter", "filter-lang", "sortby", "limit")


def landing(document: Mapping[str, Any], found: Mapping[str, Any], context: Context) -> Page:
    """Return the page of the service: its description, the first products, and how to connect."""
    listed = products(found, context, {})
    return Page(
        template="landing.html",
        context=context,
        title=read.text(document.get("title")) or context.title,
        here=context.base,
        description=read.text(document.get("description")),
        cards=listed.cards,
        count=listed.count,
        next=listed.next,
        snippets=connect.to_service(context.base),
    )


def products(document: Mapping[str, Any], context: Context, parameters: Mapping[str, str]) -> Page:
    """Return a page of a search of products."""
    collections = [one for one in read.mappings(document.get("collections")) if _is_product(one)]
    return Page(
        template="products.html",
        context=context,
        title="Products",
        here=_here(f"{context.base}collections", parameters),
        trail=(_root(context),),
        cards=tuple(_product_card(one, context) for one in collections),
        count=read.integer(document.get("numberMatched")),
        search=parameters.get("q", ""),
        kept=tuple((name, parameters[name]) for name in _SEARCH_PARAMETERS[1:] if name in parameters),
        **_neighbours(document, context),
    )


def product(document: Mapping[str, Any], items: list[Any], count: int | None, context: Context) -> Page:
    """Return the page of a product, with its newest images."""
    name = read.text(document.get("id"))
    here = links.collection_url(context.base, name)
    bbox = read.bbox(document)
    tiles = _tiles(document, context)
    return Page(
        template="product.html",
        context=context,
        id=name,
        title=read.text(document.get("title")) or name,
        here=here,
        trail=(_root(context), _all_products(context)),
        description=read.text(document.get("description")),
        facts=_product_facts(document, bbox),
        links=_shown_links(document),
        bands=bands_of(document),
        cards=_image_cards(items, context),
        count=count,
        items=context.page(f"{here}/items"),
        map=Map(
            f"Map of {read.text(document.get('title')) or name}",
            bbox,
            f"{here}/items?limit=100&f=json",
            tiles,
        ),
        preview=_preview(document, context),
        snippets=connect.to_product(context.base, name, _xyz(document)),
    )


def images(document: Mapping[str, Any], collection: Mapping[str, Any], context: Context) -> Page:
    """Return a page of the images of a product."""
    name = read.text(collection.get("id"))
    here = links.collection_url(context.base, name)
    title = read.text(collection.get("title")) or name
    return Page(
        template="images.html",
        context=context,
        title=f"Images of {title}",
        here=f"{here}/items",
        trail=(_root(context), _all_products(context), Link(title, context.page(here))),
        cards=_image_cards(document.get("features"), context),
        # A page of items leaves its count out if counting would take long.
        count=read.integer(document["numberMatched"]) if "numberMatched" in document else None,
        **_neighbours(document, context),
    )


def image(document: Mapping[str, Any], context: Context) -> Page:
    """Return the page of an image."""
    name, collection = read.text(document.get("id")), read.text(document.get("collection"))
    parent = links.collection_url(context.base, collection)
    here = links.item_url(context.base, collection, name)
    properties = read.mapping(document.get("properties"))
    return Page(
        template="image.html",
        context=context,
        id=name,
        title=read.text(properties.get("title")) or name,
        here=here,
        trail=(_root(context), _all_products(context), Link(collection, context.page(parent))),
        description=read.text(properties.get("description")),
        facts=(
            ("id", name),
            *((key, read.as_text(value)) for key, value in sorted(properties.items()) if value is not None),
        ),
        links=_shown_links(document),
        assets=tuple(_assets(document)),
        map=Map(
            f"Map of {name}", read.bbox(document), f"{here}?f=json", _tiles(document, context), single=True
        ),
        preview=_preview(document, context),
        snippets=connect.to_image(context.base, collection, name, _xyz(document)),
    )


def missing(why: str, context: Context) -> Page:
    """Return the page for a document that does not exist, or that the caller may not see."""
    return Page(
        template="missing.html",
        context=context,
        title="Not found",
        here=context.base,
        trail=(_root(context),),
        description=why,
    )


def _root(context: Context) -> Link:
    return Link(context.title, context.page(context.base))


def _all_products(context: Context) -> Link:
    return Link("Products", context.page(f"{context.base}collections"))


def _here(url: str, parameters: Mapping[str, str]) -> str:
    kept = {name: value for name, value in parameters.items() if name != "f"}
    return f"{url}?{urlencode(kept, quote_via=quote)}" if kept else url


def _is_product(collection: Mapping[str, Any]) -> bool:
    return not ids.is_blob_collection(read.text(collection.get("id")))


def _neighbours(document: Mapping[str, Any], context: Context) -> dict[str, Any]:
    found = {read.text(link.get("rel")): read.text(link.get("href")) for link in _links(document)}
    return {
        "next": context.page(found["next"]) if "next" in found else None,
        "previous": next((context.page(found[rel]) for rel in ("prev", "previous") if rel in found), None),
    }


def _links(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return read.mappings(document.get("links"))


def _product_card(document: Mapping[str, Any], context: Context) -> Card:
    name = read.text(document.get("id"))
    return Card(
        id=name,
        title=read.text(document.get("title")) or name,
        url=context.page(links.collection_url(context.base, name)),
        text=read.shortened(read.text(document.get("description")), _SUMMARY),
        dates=read.interval(document),
        preview=_preview(document, context),
    )


def _image_cards(items: Any, context: Context) -> tuple[Card, ...]:
    return tuple(_image_card(one, context) for one in read.mappings(items))


def _image_card(item: Mapping[str, Any], context: Context) -> Card:
    name, collection = read.text(item.get("id")), read.text(item.get("collection"))
    properties = read.mapping(item.get("properties"))
    cloud = properties.get("eo:cloud_cover")
    return Card(
        id=name,
        title=read.text(properties.get("title")) or name,
        url=context.page(links.item_url(context.base, collection, name)),
        text=f"{cloud:.0f} % clouds" if read.is_number(cloud) else "",
        dates=read.moment(properties),
        preview=_preview(item, context),
    )


def _preview(document: Mapping[str, Any], context: Context) -> str | None:
    """Return the address of a picture that this server has; a page shows none of elsewhere."""
    for link in _links(document):
        href = read.text(link.get("href"))
        if link.get("rel") == _PREVIEW and href.startswith(context.base):
            return f"{href}{'&' if '?' in href else '?'}max_size={_PREVIEW_SIZE}"
    for asset in read.mapping(document.get("assets")).values():
        href, roles = read.text(read.mapping(asset).get("href")), read.mapping(asset).get("roles")
        if isinstance(roles, list) and "thumbnail" in roles and href.startswith(f"{context.base}assets/"):
            return href
    return None


def _tiles(document: Mapping[str, Any], context: Context) -> tuple[Link, ...]:
    """Return the TileJSON of the default style, and of the others that a collection has."""
    hrefs = (read.text(link.get("href")) for link in _links(document) if link.get("rel") == "tilejson")
    default = next((href for href in hrefs if href.startswith(context.base)), None)
    if default is None:
        return ()
    renders = read.mapping(document.get("renders"))
    others = {name: read.mapping(render) for name, render in renders.items() if name != "default"}
    return (
        Link(read.text(read.mapping(renders.get("default")).get("title")) or "Pixels", default),
        *(
            Link(read.text(render.get("title")) or name, f"{default}?{urlencode({'style': name})}")
            for name, render in others.items()
        ),
    )


def _xyz(document: Mapping[str, Any]) -> str | None:
    found = (read.web_url(link.get("href")) for link in _links(document) if link.get("rel") == "xyz")
    return next(found, None)


def _product_facts(document: Mapping[str, Any], bbox: read.Box | None) -> tuple[tuple[str, str], ...]:
    facts = (
        ("Id", read.text(document.get("id"))),
        ("Dates", read.interval(document)),
        ("Extent", "" if bbox is None else read.box_text(bbox)),
        ("License", read.text(document.get("license"))),
        ("Keywords", ", ".join(read.texts(document.get("keywords")))),
        ("Providers", ", ".join(_providers(document))),
        ("DOI", read.text(document.get("sci:doi"))),
        ("Citation", read.text(document.get("sci:citation"))),
    )
    return tuple((name, value) for name, value in facts if value)


def _providers(document: Mapping[str, Any]) -> Iterable[str]:
    for provider in read.mappings(document.get("providers")):
        roles = ", ".join(read.texts(provider.get("roles")))
        yield read.text(provider.get("name")) + (f" ({roles})" if roles else "")


# Links that the page shows in another way, or that are for programs.
_STRUCTURE: Final = frozenset(
    {
        *("self", "root", "parent", "collection", "items", "item", "child", "queryables", "preview"),
        *("http://www.opengis.net/def/rel/ogc/1.0/queryables", "tilejson", "xyz"),
    }
)


def _shown_links(document: Mapping[str, Any]) -> tuple[Link, ...]:
    return tuple(
        Link(read.text(link.get("title")) or f"{rel}: {url}", url)
        for link in _links(document)
        if (rel := read.text(link.get("rel"))) not in _STRUCTURE
        and (url := read.web_url(link.get("href"))) is not None
    )


def _assets(document: Mapping[str, Any]) -> Iterable[Asset]:
    for key, value in read.mapping(document.get("assets")).items():
        asset = read.mapping(value)
        size = asset.get("file:size")
        yield Asset(
            key=key,
            title=read.text(asset.get("title")),
            type=read.text(asset.get("type")),
            roles=", ".join(read.texts(asset.get("roles"))),
            size=read.bytes_text(size) if read.is_number(size) else "",
            href=read.text(asset.get("href")),
            link=read.web_url(asset.get("href")),
        )
