"""Methods of the old Catalog client for the metadata of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from landbridge.catalog import Image
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.arguments.products import band_names
from landbridge.porting.catalog_client.documents import (
    document,
    existing_image,
    existing_product,
    replace,
    update,
)
from landbridge.porting.old_keys.images import IMAGE_KEYS, image_record
from landbridge.porting.old_keys.table import to_attributes

if TYPE_CHECKING:
    from landbridge.utils import DotDict

__all__ = ["GONE_KEYS", "ImageMethods"]

_NO_BUCKETS: Final = "Give `files`, the addresses of the files, such as 'gs://bucket/folder/file.tif'."
# Keys of images that named files in buckets of the old platform.
GONE_KEYS: Final = {"bucket": _NO_BUCKETS, "directory": _NO_BUCKETS}


class ImageMethods:
    """Methods of `Catalog` for the metadata of images."""

    @old_method("Product.get_image()")
    def get_image(self, product_id: str, image_id: str, add_namespace: bool = False) -> DotDict:
        """Return an image, given by its name or its id.

        Raises
        ------
        NotFoundError
            If the product or the image does not exist.
        """
        del add_namespace
        return _document(existing_image(product_id, image_id))

    @old_method("Image(...).save()", gone=GONE_KEYS)
    def add_image(
        self,
        product_id: str,
        image_id: str,
        add_namespace: bool = False,
        storage_state: str = "remote",
        **keywords: Any,
    ) -> DotDict:
        """Create an image without uploading its pixels.

        Parameters
        ----------
        product_id : str
            Id of the product.
        image_id : str
            Name of the image.
        add_namespace : bool, default False
            No effect.
        storage_state : str, default "remote"
            "remote" or "available".
        **keywords
            `acquired` and `geometry`, which are required, `cloud_fraction`, `sat_id`, `geotrans`,
            `cs_code`, `proj4`, `raster_size`, `files`, `tags`, `extra_properties` and other keys of images.

        Raises
        ------
        BadRequestError
            If `acquired` or `geometry` is missing.
        ConflictError
            If the image exists.
        UnknownArgumentError
            If a keyword is no key of an image.
        """
        del add_namespace
        values = {"storage_state": storage_state, **keywords}
        attributes = to_attributes("Catalog.add_image", values, IMAGE_KEYS)
        image = Image(product=existing_product(product_id), name=image_id, **attributes)
        image.save()
        return _document(image)

    @old_method("Image.update() and save()", gone=GONE_KEYS)
    def change_image(
        self, product_id: str, image_id: str, add_namespace: bool = False, **keywords: Any
    ) -> DotDict:
        """Change some attributes of an image; the keywords are those of `add_image`.

        Raises
        ------
        NotFoundError
            If the product or the image does not exist.
        """
        del add_namespace
        attributes = to_attributes("Catalog.change_image", keywords, IMAGE_KEYS)
        image = existing_image(product_id, image_id)
        update(image, attributes)
        return _document(image)

    @old_method("Image.update() and save()", gone=GONE_KEYS)
    def replace_image(
        self, product_id: str, image_id: str, add_namespace: bool = False, **keywords: Any
    ) -> DotDict:
        """Change an image, and unset its other attributes; the keywords are those of `add_image`.

        Raises
        ------
        NotFoundError
            If the product or the image does not exist.
        """
        del add_namespace
        attributes = to_attributes("Catalog.replace_image", keywords, IMAGE_KEYS)
        image = existing_image(product_id, image_id)
        replace(image, attributes)
        return _document(image)

    @old_method("Image.delete()")
    def remove_image(self, product_id: str, image_id: str, add_namespace: bool = False) -> None:
        """Delete an image.

        Raises
        ------
        NotFoundError
            If the product or the image does not exist.
        """
        del add_namespace
        existing_image(product_id, image_id).delete()


def _document(image: Image) -> DotDict:
    return document("image", image_record(image, band_names({}, image.product_id)))
