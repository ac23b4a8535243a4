"""Errors about catalog objects and their rasters that no answer of a service is behind."""

from __future__ import annotations

from landbridge.errors import LandbridgeError
from landbridge.exceptions import BadRequestError, ConflictError

__all__ = [
    "AttributeValidationError",
    "DeletedObjectError",
    "ImageExistsError",
    "InvalidGeometryError",
    "InvalidNameError",
    "RasterArgumentError",
    "UnsavedObjectError",
]


class AttributeValidationError(LandbridgeError, ValueError):
    """Invalid value of an attribute, or attribute that cannot be set."""


class DeletedObjectError(LandbridgeError):
    """Operation on an object that was deleted, by this program or by another."""


class UnsavedObjectError(LandbridgeError):
    """Operation that needs an object that was saved."""


class InvalidNameError(AttributeValidationError, BadRequestError):
    """Value of an attribute that cannot be a part of an id.

    It is a BadRequestError too, because the service refuses such a value with that error.
    """


class ImageExistsError(ConflictError, ValueError):
    """Upload of an image that exists already.

    It is a ConflictError as from the service, and a ValueError for code that expects that of uploads.
    """


class InvalidGeometryError(LandbridgeError, ValueError, TypeError):
    """GeoJSON that is not a valid geometry.

    It is a ValueError, and a TypeError for code that expects that of searches.
    """


class RasterArgumentError(BadRequestError, ValueError):
    """Arguments that no raster can be made with.

    It is a ValueError because pixels are made in this process, and a BadRequestError for code that was
    written for a service that makes them.
    """
