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
    """A value is not one that the attribute can take, or the attribute cannot be set."""


class DeletedObjectError(LandbridgeError):
    """The object was deleted, by this program or another."""


class UnsavedObjectError(LandbridgeError):
    """The operation needs an object that was saved."""


class InvalidNameError(AttributeValidationError, BadRequestError):
    """An attribute's value cannot be a part of an id.

    It is a BadRequestError too, since a service refuses such a value with that.
    """


class ImageExistsError(ConflictError, ValueError):
    """The image of an upload exists already.

    It is a ConflictError as from the service, and a ValueError for code that expects that of uploads.
    """


class InvalidGeometryError(LandbridgeError, ValueError, TypeError):
    """A GeoJSON document is not a valid geometry.

    It is a ValueError as elsewhere, and a TypeError for code that expects that of searches.
    """


class RasterArgumentError(BadRequestError, ValueError):
    """A raster cannot be made of these arguments.

    A ValueError for who knows that pixels are made here, a BadRequestError for code that was written for a
    service that makes them.
    """
