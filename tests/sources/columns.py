"""Columns of the matrix of sources: a provider each, with the product that is tested."""

import contextlib
from dataclasses import dataclass
from functools import cached_property

from landbridge.catalog import Image, Product
from landbridge.geo import AOI
from sources import oracle
from support.replay import replayed
from support.replay.as_source import used


@dataclass(frozen=True)
class Column:
    """A provider, the collection that is tested, its product's id, and the platforms that belong to that."""

    provider: str
    collection: str
    product_id: str
    platforms: tuple[str, ...] = ()


COLUMNS = {
    one.provider: one
    for one in (
        Column("earth-search", "sentinel-2-c1-l2a", "esa:sentinel-2:l2a:v1"),
        Column("planetary-computer", "sentinel-2-l2a", "esa:sentinel-2:l2a:v1"),
        Column("usgs", "landsat-c2l2-sr", "usgs:landsat:oli-tirs:c2:l2:v0", ("LANDSAT_8", "LANDSAT_9")),
        Column("cdse", "sentinel-2-l2a", "esa:sentinel-2:l2a:v1"),
        Column("lpcloud", "HLSL30_2.0", "nasa:hls:l30"),
        Column("dea", "ga_ls8c_ard_3", "dea:ga_ls8c_ard_3"),
        Column("deafrica", "s2_l2a_c1", "esa:sentinel-2:l2a:c1:v1"),
    )
}
RGB = ["red", "green", "blue"]


class Site:
    """A running provider that is used as the only source, and the product of its column."""

    def __init__(self, column, provider):
        self.column, self.provider = column, provider
        self.facts = provider.products[column.collection]
        self.records = [
            record
            for record in provider.of(column.collection)
            if not column.platforms or record.properties["platform"] in column.platforms
        ]
        self._images = {}

    @cached_property
    def product(self):
        return Product.get(self.column.product_id)

    @cached_property
    def bands(self):
        """The bands of the product by name."""
        return {band.name: band for band in self.product.bands()}

    @property
    def prefixed(self):
        """The id of the product by the names of source and collection."""
        return f"{self.column.provider}:{self.column.collection}"

    def image(self, record):
        """Return the image of a record."""
        if record.id not in self._images:
            self._images[record.id] = Image.get(f"{self.column.product_id}:{record.id}")
        return self._images[record.id]

    @cached_property
    def pair(self):
        """Two records of one template whose areas overlap, the older one first."""
        first = self.records[0]
        for record in self.records[1:]:
            if record.template is first.template and record.place == first.place + 1:
                return first, record
        raise AssertionError("there are no neighbours")

    @cached_property
    def kinds(self):
        """One record of each template, and so of each kind of document."""
        return list({id(record.template): record for record in self.records}.values())


def area(*records, resolution):
    """Return the geocontext of some items' area."""
    crs = records[0].crs
    return AOI(
        bounds=oracle.bounds(*records), bounds_crs=crs, crs=crs, resolution=resolution, align_pixels=False
    )


@contextlib.contextmanager
def site(name, count=48, *, real=None):
    """Run the site of a column inside the `with` block."""
    column = COLUMNS[name]
    with replayed(name, count, real=real) as provider, used(provider):
        yield Site(column, provider)
