"""Keyword parameters of constructors, written by scripts/generate_type_hints.py."""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from landbridge.catalog.events.destination import EventConnectionParameter
from landbridge.catalog.events.subscription import EventSubscriptionTarget
from landbridge.catalog.image_upload import ImageUploadOptions
from landbridge.catalog.type_hints.classes import Image, Product
from landbridge.catalog.type_hints.values import (
    ColorLike,
    Condition,
    DerivedParamsLike,
    FileLike,
    GeometryLike,
    NumberLike,
    ProcessingLevelsLike,
    ResolutionLike,
    TimeLike,
)


class ResolutionKeywords(TypedDict, total=False):
    """Attributes of `Resolution` that can be set."""

    value: float
    unit: str


class FileKeywords(TypedDict, total=False):
    """Attributes of `File` that can be set."""

    href: str
    size_bytes: int | None
    hash: str | None
    provider_id: str | None
    provider_href: str | None


class ProcessingStepAttributeKeywords(TypedDict, total=False):
    """Attributes of `ProcessingStepAttribute` that can be set."""

    function: str
    parameter: str | None
    index: int | None
    values: Iterable[int]
    nodata: float | str | None
    data_type: str | None
    data_range: Iterable[NumberLike]
    display_range: Iterable[NumberLike]
    physical_range: Iterable[NumberLike]
    physical_range_unit: str | None


class DerivedParamsAttributeKeywords(TypedDict, total=False):
    """Attributes of `DerivedParamsAttribute` that can be set."""

    function: str
    bands: Iterable[str] | None
    source_type: str | None


class ImageUploadOptionsKeywords(TypedDict, total=False):
    """Attributes of `ImageUploadOptions` that can be set."""

    upload_type: str | None
    image_files: Iterable[str] | None
    overviews: Iterable[int] | None
    overview_resampler: str | None
    upload_size: int | None
    worker_tag: str | None


class EventSubscriptionTargetKeywords(TypedDict, total=False):
    """Attributes of `EventSubscriptionTarget` that can be set."""

    rule_id: str | None
    detail_template: str | None


class EventConnectionParameterKeywords(TypedDict, total=False):
    """Attributes of `EventConnectionParameter` that can be set."""

    Key: str | None
    Value: str | None
    IsValueSecret: bool | None


class CatalogObjectKeywords(TypedDict, total=False):
    """Attributes of `CatalogObject` that can be set."""

    extra_properties: Mapping[str, Any] | None
    tags: Iterable[str] | None


class AuthCatalogObjectKeywords(CatalogObjectKeywords, total=False):
    """Attributes of `AuthCatalogObject` that can be set."""

    owners: Iterable[str] | None
    readers: Iterable[str] | None
    writers: Iterable[str] | None


class ProductKeywords(AuthCatalogObjectKeywords, total=False):
    """Attributes of `ProductMetadata` that can be set."""

    name: str
    description: str | None
    is_core: bool | None
    revisit_period_minutes_min: NumberLike | None
    revisit_period_minutes_max: NumberLike | None
    start_datetime: TimeLike | None
    end_datetime: TimeLike | None
    default_display_bands: Iterable[str] | None
    image_index_name: str | None
    product_tier: str | None


class NamedCatalogObjectKeywords(CatalogObjectKeywords, total=False):
    """Attributes of `NamedCatalogObject` that can be set."""

    name: str
    product_id: str
    product: Product


class BandKeywords(NamedCatalogObjectKeywords, total=False):
    """Attributes of `Band` that can be set."""

    description: str | None
    type: str
    sort_order: int | None
    vendor_order: int | None
    data_type: str | None
    nodata: float | str | None
    data_range: Iterable[NumberLike]
    display_range: Iterable[NumberLike]
    resolution: ResolutionLike | None
    band_index: int | None
    file_index: int | None
    jpx_layer_index: int | None
    vendor_band_name: str | None
    processing_levels: ProcessingLevelsLike | None
    derived_params: DerivedParamsLike | None


class SpectralBandKeywords(BandKeywords, total=False):
    """Attributes of `SpectralBand` that can be set."""

    physical_range: Iterable[NumberLike]
    physical_range_unit: str | None
    wavelength_nm_center: float | None
    wavelength_nm_min: float | None
    wavelength_nm_max: float | None
    wavelength_nm_fwhm: float | None


class MicrowaveBandKeywords(BandKeywords, total=False):
    """Attributes of `MicrowaveBand` that can be set."""

    frequency: float | None
    bandwidth: float | None
    physical_range: Iterable[NumberLike]
    physical_range_unit: str | None


class MaskBandKeywords(BandKeywords, total=False):
    """Attributes of `MaskBand` that can be set."""

    is_alpha: bool | None


class ClassBandKeywords(BandKeywords, total=False):
    """Attributes of `ClassBand` that can be set."""

    colormap_name: str | None
    colormap: Iterable[ColorLike] | Mapping[str, ColorLike] | None
    class_labels: Iterable[str] | None


class GenericBandKeywords(BandKeywords, total=False):
    """Attributes of `GenericBand` that can be set."""

    physical_range: Iterable[NumberLike]
    physical_range_unit: str | None
    colormap_name: str | None
    colormap: Iterable[ColorLike] | Mapping[str, ColorLike] | None


class ImageKeywords(NamedCatalogObjectKeywords, total=False):
    """Attributes of `ImageMetadata` that can be set."""

    geometry: GeometryLike | None
    cs_code: str | None
    projection: str | None
    geotrans: Iterable[NumberLike]
    x_pixels: int | None
    y_pixels: int | None
    acquired: TimeLike | None
    acquired_end: TimeLike | None
    published: TimeLike | None
    storage_state: str | None
    files: Iterable[FileLike] | None
    area: NumberLike | None
    azimuth_angle: NumberLike | None
    bits_per_pixel: Iterable[NumberLike] | None
    bright_fraction: NumberLike | None
    brightness_temperature_k1_k2: Iterable[Iterable[NumberLike]] | None
    c6s_dlsr: Iterable[Iterable[NumberLike]] | None
    cloud_fraction: NumberLike | None
    confidence_dlsr: NumberLike | None
    alt_cloud_fraction: NumberLike | None
    processing_pipeline_id: str | None
    fill_fraction: NumberLike | None
    incidence_angle: NumberLike | None
    radiance_gain_bias: Iterable[Iterable[NumberLike]] | None
    reflectance_gain_bias: Iterable[Iterable[NumberLike]] | None
    reflectance_scale: Iterable[NumberLike] | None
    roll_angle: NumberLike | None
    solar_azimuth_angle: NumberLike | None
    solar_elevation_angle: NumberLike | None
    temperature_gain_bias: Iterable[Iterable[NumberLike]] | None
    view_angle: NumberLike | None
    satellite_id: str | None
    provider_id: str | None
    provider_url: str | None
    preview_url: str | None
    preview_file: str | None


class ImageUploadKeywords(TypedDict, total=False):
    """Attributes of `ImageUpload` that can be set."""

    product_id: str
    image_id: str
    image: Image
    image_upload_options: ImageUploadOptions | Mapping[str, Any] | None
    status: str


class BlobKeywords(AuthCatalogObjectKeywords, total=False):
    """Attributes of `BlobMetadata` that can be set."""

    namespace: str
    name: str
    storage_state: str | None
    storage_type: str | None
    description: str | None
    geometry: GeometryLike | None
    expires: TimeLike | None
    href: str | None
    size_bytes: int | None
    hash: str | None


class NamespacedObjectKeywords(AuthCatalogObjectKeywords, total=False):
    """Attributes of `NamespacedObject` that can be set."""

    namespace: str
    name: str
    description: str | None


class EventApiDestinationKeywords(NamespacedObjectKeywords, total=False):
    """Attributes of `EventApiDestination` that can be set."""

    is_core: bool | None
    endpoint: str
    method: str | None
    invocation_rate: int | None
    arn: str | None
    connection_name: str | None
    connection_description: str | None
    connection_header_parameters: Iterable[EventConnectionParameter | Mapping[str, Any]] | None
    connection_query_string_parameters: Iterable[EventConnectionParameter | Mapping[str, Any]] | None
    connection_body_parameters: Iterable[EventConnectionParameter | Mapping[str, Any]] | None
    connection_authorization_type: str | None
    connection_api_key_name: str | None
    connection_api_key_value: str | None
    connection_basic_username: str | None
    connection_basic_password: str | None
    connection_oauth_endpoint: str | None
    connection_oauth_method: str | None
    connection_oauth_client_id: str | None
    connection_oauth_client_secret: str | None
    connection_oauth_header_parameters: Iterable[EventConnectionParameter | Mapping[str, Any]] | None
    connection_oauth_query_string_parameters: Iterable[EventConnectionParameter | Mapping[str, Any]] | None
    connection_oauth_body_parameters: Iterable[EventConnectionParameter | Mapping[str, Any]] | None
    connection_arn: str | None


class EventSubscriptionKeywords(NamespacedObjectKeywords, total=False):
    """Attributes of `EventSubscription` that can be set."""

    geometry: GeometryLike | None
    expires: TimeLike | None
    event_type: Iterable[str] | None
    event_source: Iterable[str] | None
    event_namespace: Iterable[str] | None
    event_filters: Iterable[Condition] | None
    targets: Iterable[EventSubscriptionTarget | Mapping[str, Any]] | None
    enabled: bool | None
