"""Errors about catalog objects and their rasters that no answer of a service is behind."""

from __future__ import annotations

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


class AttributeValidationError(ValueError):
    """A value is not one that the attribute can take, or the attribute cannot be set."""


class DeletedObjectError(Exception):
    """The object was deleted, by this program or another."""


class UnsavedObjectError(Exception):
    """The operation needs an object that was saved."""


class InvalidNameError(AttributeValidationError, BadRequestError):
    """A text cannot be a part of an id.

    Both the error of an attribute and that of a service, which refuses it too.
    """


class ImageExistsError(ConflictError, ValueError):
    """The image that was to be uploaded exists.

    A ConflictError as of the service, and a ValueError for code that was written for uploads that raise that.
    """


class InvalidGeometryError(ValueError, TypeError):
    """GeoJSON is not a geometry.

    A ValueError as elsewhere, and a TypeError for code that was written for searches that raise that.
    """


class RasterArgumentError(BadRequestError, ValueError):
    """A raster cannot be made of these arguments.

    A ValueError for who knows that pixels are made here, a BadRequestError for code that was written for a
    service that makes them.
    """
