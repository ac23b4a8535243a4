"""Classes that modules name in annotations though they are imported by them."""

from landbridge.catalog.blob import Blob
from landbridge.catalog.image import Image
from landbridge.catalog.product import Product

__all__ = ["Blob", "Image", "Product"]
