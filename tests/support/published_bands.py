"""Independent implementation of the binding of bands to assets in published documents."""


def names_of(asset):
    """Return the names that an asset gives to its bands, in order; None stands for a band without a name."""
    members = ("bands", "eo:bands", "raster:bands")
    listed = next((asset[member] for member in members if asset.get(member)), [])
    return [band.get("name") for band in listed]


def expected(name, collection, item):
    """Return {(asset key, index)} of a band in an Item: empty if the Item lacks it.

    The documents are read as they were published: asset keys, eo:bands, bands and item_assets.
    """
    shared, own = collection.get("item_assets") or {}, item["assets"]
    if collection.get("bands"):
        # STAC 1.1: the Collection names the bands, and each asset lists the bands that it holds.
        return {(key, 0) for key, asset in own.items() if names_of(asset) == [name]}
    described = shared or own
    if name in described:
        return {(name, 0)} if name in own else set()
    found = set()
    for key, asset in described.items():
        listed = names_of(asset)
        for index, one in enumerate(listed):
            if one is None or len(listed) < 2 or name not in (one, f"{key}_{one}"):
                continue
            if key in own:
                mine = names_of(own[key]) or listed
                found.add((key, mine.index(one) if one in mine else index))
            else:
                # The Item has other names than the Collection: an asset that says to hold the same bands.
                found |= {
                    (other, index)
                    for other, its in own.items()
                    if other not in shared and names_of(its) == listed and "data" in its.get("roles", [])
                }
    return found
