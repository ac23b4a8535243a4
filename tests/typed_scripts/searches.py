"""A user's script on searches and collections. It is checked by mypy and pyright, never run.

Each `type: ignore` is an error that the checkers must find: without it they report an unused comment.
"""

from datetime import datetime
from typing import Any, assert_type

from landbridge.catalog import (
    Band,
    Blob,
    BlobDeletionTaskStatus,
    BlobSearch,
    BlobSummaryResult,
    CatalogClient,
    Image,
    ImageCollection,
    ImageSearch,
    ImageSummaryResult,
    ImageUpload,
    Product,
    ProductCollection,
    Search,
    SpectralBand,
)
from landbridge.catalog.model.collection import Collection, Eacher
from landbridge.geo import AOI


class Scene(Image):
    """A user's own class."""

    @property
    def is_clear(self) -> bool:
        return (self.cloud_fraction or 0) < 0.1


def get_objects(client: CatalogClient) -> None:
    assert_type(Image.get("mine:scene"), Image | None)
    assert_type(Scene.get("mine:scene", client), Scene | None)
    assert_type(Product.get_many(["mine"], client=client), list[Product])
    assert_type(Blob.get(name="notes.txt"), Blob | None)
    assert_type(Product.exists("mine"), bool)
    image = Image.get("mine:scene")
    image.acquired  # type: ignore[union-attr]


def search_objects(product: Product, area: AOI) -> None:
    search = Image.search()
    assert_type(search, ImageSearch[Image])
    assert_type(search.sort("acquired").limit(10).intersects(area), ImageSearch[Image])
    assert_type(search.intersects({"type": "Point", "coordinates": [0, 0]}).count(), int)
    assert_type([image.name for image in search], list[str])
    assert_type([scene.is_clear for scene in Scene.search()], list[bool])
    assert_type(search.collect(), ImageCollection[Image])
    assert_type(search.summary(), ImageSummaryResult)
    assert_type(search.summary_interval(interval="month")[0].interval_start, datetime | None)
    assert_type(product.bands(), Search[Band])
    assert_type([band.data_type for band in product.bands()], list[str | None])
    assert_type(SpectralBand.search().collect(), Collection[SpectralBand])
    assert_type(product.images(), ImageSearch[Image])
    assert_type(product.get_band("red"), Band | None)
    assert_type([upload.status for upload in product.image_uploads()], list[str])
    assert_type(next(iter(product.image_uploads())), ImageUpload)
    assert_type(Blob.search(), BlobSearch[Blob])
    assert_type(Blob.search().summary(), BlobSummaryResult)
    assert_type(Blob.search().collect()[0], Blob)
    search.intersects("POINT (0 0)")  # type: ignore[arg-type]
    search.filter("cloud_fraction < 0.2")  # type: ignore[arg-type]
    Product.search().intersects(area)  # type: ignore[attr-defined]
    SpectralBand.search().summary()  # type: ignore[attr-defined]


def accept_any_bands(bands: Search[Band]) -> None:
    bands.count()


def pass_searches(images: ImageSearch) -> None:
    assert_type([image.acquired for image in images], list[datetime])
    accept_any_bands(SpectralBand.search())
    accept_any_bands(images)  # type: ignore[arg-type]


def work_with_collections(images: ImageCollection, scenes: ImageCollection[Scene]) -> None:
    assert_type(images, ImageCollection[Image])
    assert_type(images[0], Image)
    assert_type(images[:2], ImageCollection[Image])
    assert_type(scenes[[0, 2]], ImageCollection[Scene])
    assert_type([scene.is_clear for scene in scenes], list[bool])
    assert_type(scenes.filter(lambda scene: scene.is_clear), ImageCollection[Scene])
    assert_type(scenes.sort("acquired"), ImageCollection[Scene])
    assert_type(scenes.sorted(lambda scene: scene.acquired, "name"), ImageCollection[Scene])
    assert_type(images.map(lambda image: image.acquired.month), Collection[int])
    for key, months in images.groupby("acquired.month"):
        assert_type(key, Any)
        assert_type(months, ImageCollection[Image])
    for month, group in scenes.groupby(lambda scene: scene.acquired.month):
        assert_type(month, int)
        assert_type(group, ImageCollection[Scene])
    assert_type(images.each, Eacher[Image])
    assert_type(list(images.each), list[Image])
    assert_type(images.each.combine(), list[Image])
    assert_type(images.each.combine(len_of), int)
    assert_type(images.each.collect(), Collection[Image])
    assert_type(images.each.collect(ImageCollection), ImageCollection[Image])
    assert_type(images.each.pipe(name_of, "_"), Eacher[str])
    images.append("scene")  # type: ignore[arg-type]
    images.filter(lambda image: image.is_clear)  # type: ignore[attr-defined]
    images.each.pipe(name_of, 1)  # type: ignore[arg-type]


def len_of(images: Any) -> int:
    return len(list(images))


def name_of(image: Image, end: str) -> str:
    return image.name + end


def make_collections(product: Product, image: Image) -> None:
    assert_type(ImageCollection([image]), ImageCollection[Image])
    assert_type(ProductCollection([product])[0], Product)
    ProductCollection([image])  # type: ignore[list-item]


def delete_blobs(blob: Blob) -> None:
    assert_type(blob.delete(), BlobDeletionTaskStatus)
    assert_type(Blob.delete("data/mine/notes.txt"), BlobDeletionTaskStatus | None)
