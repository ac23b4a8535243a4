"""Static catalogs and Items that tests write to files."""

import json

TIFF = "image/tiff; application=geotiff; profile=cloud-optimized"
EXTENT = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}


def make_item(number, collection, **properties):
    """Return an Item whose footprint, time and cloud cover follow from its number."""
    west = number % 90
    corners = [[west, 0], [west + 0.5, 0], [west + 0.5, 0.5], [west, 0.5], [west, 0]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"i{number}",
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [corners]},
        "bbox": [west, 0, west + 0.5, 0.5],
        "properties": {
            "datetime": f"2024-01-{number % 28 + 1:02}T00:00:00Z",
            "eo:cloud_cover": number % 100,
            **properties,
        },
        "links": [],
        "assets": {"red": {"href": "./red.tif", "type": TIFF, "roles": ["data"]}},
    }


def write(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def links(*pairs):
    return [{"rel": rel, "href": href} for rel, href in pairs]


def write_catalog(root, count=30):
    """Write a catalog with Collection `a` of `count` Items and a Catalog `b` of one; return its address."""
    head = {"stac_version": "1.0.0", "description": "for tests"}
    write(
        root / "catalog.json",
        {
            "type": "Catalog",
            "id": "root",
            **head,
            "links": links(
                ("child", "./a/collection.json"),
                ("child", "b/catalog.json"),
                ("item", "loose.json"),
            ),
        },
    )
    write(root / "loose.json", make_item(77, None))
    collection = {"type": "Collection", "id": "a", **head, "license": "other", "extent": EXTENT}
    write(
        root / "a/collection.json",
        # The second link leads back to a document that was read already.
        {**collection, "links": links(("child", "./2024/catalog.json"), ("child", "../catalog.json"))},
    )
    names = [f"i{number}" for number in range(count)]
    write(
        root / "a/2024/catalog.json",
        {
            "type": "Catalog",
            "id": "2024",
            **head,
            "links": links(*(("item", f"./{name}/{name}.json") for name in names)),
        },
    )
    for number, name in enumerate(names):
        write(root / f"a/2024/{name}/{name}.json", make_item(number, "a"))
    write(
        root / "b/catalog.json",
        {
            "type": "Catalog",
            "id": "b",
            **head,
            "links": links(("item", "one.json"), ("parent", "../catalog.json")),
        },
    )
    write(root / "b/one.json", make_item(1, None))
    return str(root / "catalog.json")
