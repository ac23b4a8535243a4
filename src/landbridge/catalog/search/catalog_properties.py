"""Properties of catalog objects for filters, written by scripts/generate_type_hints.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.utils.properties import Properties, Property

if TYPE_CHECKING:
    from landbridge.catalog.type_hints.classes import Image, Product
    from landbridge.catalog.type_hints.values import NumberLike, ResolutionLike, TimeLike

    class _AnyName:
        """Base without attributes: type checkers know the names below only."""
else:
    _AnyName = Properties

__all__ = ["CatalogProperties", "properties"]


class CatalogProperties(_AnyName):
    """Source of properties for filters: the attributes of all classes of the catalog.

    Examples
    --------
    >>> from landbridge.catalog import properties as p
    >>> (p.cloud_fraction < 0.2) & (p.acquired >= "2024-01-01")
    ((p.cloud_fraction lt 0.2) & (p.acquired gte '2024-01-01'))
    """

    acquired: Property[TimeLike] = Property("acquired")
    acquired_end: Property[TimeLike] = Property("acquired_end")
    alt_cloud_fraction: Property[NumberLike] = Property("alt_cloud_fraction")
    area: Property[NumberLike] = Property("area")
    arn: Property[str] = Property("arn")
    azimuth_angle: Property[NumberLike] = Property("azimuth_angle")
    band_index: Property[NumberLike] = Property("band_index")
    bandwidth: Property[NumberLike] = Property("bandwidth")
    bits_per_pixel: Property[NumberLike] = Property("bits_per_pixel")
    bright_fraction: Property[NumberLike] = Property("bright_fraction")
    brightness_temperature_k1_k2: Property[Any] = Property("brightness_temperature_k1_k2")
    c6s_dlsr: Property[Any] = Property("c6s_dlsr")
    class_labels: Property[str] = Property("class_labels")
    cloud_fraction: Property[NumberLike] = Property("cloud_fraction")
    colormap: Property[Any] = Property("colormap")
    colormap_name: Property[str] = Property("colormap_name")
    confidence_dlsr: Property[NumberLike] = Property("confidence_dlsr")
    connection_api_key_name: Property[str] = Property("connection_api_key_name")
    connection_api_key_value: Property[str] = Property("connection_api_key_value")
    connection_arn: Property[str] = Property("connection_arn")
    connection_authorization_type: Property[str] = Property("connection_authorization_type")
    connection_basic_password: Property[str] = Property("connection_basic_password")
    connection_basic_username: Property[str] = Property("connection_basic_username")
    connection_body_parameters: Property[Any] = Property("connection_body_parameters")
    connection_description: Property[str] = Property("connection_description")
    connection_header_parameters: Property[Any] = Property("connection_header_parameters")
    connection_name: Property[str] = Property("connection_name")
    connection_oauth_body_parameters: Property[Any] = Property("connection_oauth_body_parameters")
    connection_oauth_client_id: Property[str] = Property("connection_oauth_client_id")
    connection_oauth_client_secret: Property[str] = Property("connection_oauth_client_secret")
    connection_oauth_endpoint: Property[str] = Property("connection_oauth_endpoint")
    connection_oauth_header_parameters: Property[Any] = Property("connection_oauth_header_parameters")
    connection_oauth_method: Property[str] = Property("connection_oauth_method")
    connection_oauth_query_string_parameters: Property[Any] = Property(
        "connection_oauth_query_string_parameters"
    )
    connection_query_string_parameters: Property[Any] = Property("connection_query_string_parameters")
    created: Property[TimeLike] = Property("created")
    cs_code: Property[str] = Property("cs_code")
    data_range: Property[Any] = Property("data_range")
    data_type: Property[str] = Property("data_type")
    default_display_bands: Property[str] = Property("default_display_bands")
    derived_params: Property[Any] = Property("derived_params")
    description: Property[str] = Property("description")
    display_range: Property[Any] = Property("display_range")
    enabled: Property[bool] = Property("enabled")
    end_datetime: Property[TimeLike] = Property("end_datetime")
    endpoint: Property[str] = Property("endpoint")
    event_filters: Property[Any] = Property("event_filters")
    event_namespace: Property[str] = Property("event_namespace")
    event_source: Property[str] = Property("event_source")
    event_type: Property[str] = Property("event_type")
    events: Property[Any] = Property("events")
    expires: Property[TimeLike] = Property("expires")
    extra_properties: Property[Any] = Property("extra_properties")
    file_index: Property[NumberLike] = Property("file_index")
    files: Property[Any] = Property("files")
    fill_fraction: Property[NumberLike] = Property("fill_fraction")
    frequency: Property[NumberLike] = Property("frequency")
    geometry: Property[None] = Property("geometry")
    geotrans: Property[Any] = Property("geotrans")
    hash: Property[str] = Property("hash")
    href: Property[str] = Property("href")
    id: Property[str] = Property("id")
    image: Property[Image | str] = Property("image")
    image_id: Property[str] = Property("image_id")
    image_index_name: Property[str] = Property("image_index_name")
    image_upload_options: Property[Any] = Property("image_upload_options")
    incidence_angle: Property[NumberLike] = Property("incidence_angle")
    invocation_rate: Property[NumberLike] = Property("invocation_rate")
    is_alpha: Property[bool] = Property("is_alpha")
    is_core: Property[bool] = Property("is_core")
    jpx_layer_index: Property[NumberLike] = Property("jpx_layer_index")
    method: Property[str] = Property("method")
    modified: Property[TimeLike] = Property("modified")
    name: Property[str] = Property("name")
    namespace: Property[str] = Property("namespace")
    nodata: Property[Any] = Property("nodata")
    owner: Property[str] = Property("owner")
    owner_role_arn: Property[str] = Property("owner_role_arn")
    owners: Property[str] = Property("owners")
    physical_range: Property[Any] = Property("physical_range")
    physical_range_unit: Property[str] = Property("physical_range_unit")
    preview_file: Property[str] = Property("preview_file")
    preview_url: Property[str] = Property("preview_url")
    processing_levels: Property[Any] = Property("processing_levels")
    processing_pipeline_id: Property[str] = Property("processing_pipeline_id")
    product: Property[Product | str] = Property("product")
    product_id: Property[str] = Property("product_id")
    product_tier: Property[str] = Property("product_tier")
    projection: Property[str] = Property("projection")
    provider_id: Property[str] = Property("provider_id")
    provider_url: Property[str] = Property("provider_url")
    published: Property[TimeLike] = Property("published")
    radiance_gain_bias: Property[Any] = Property("radiance_gain_bias")
    readers: Property[str] = Property("readers")
    reflectance_gain_bias: Property[Any] = Property("reflectance_gain_bias")
    reflectance_scale: Property[NumberLike] = Property("reflectance_scale")
    resolution: Property[NumberLike | ResolutionLike] = Property("resolution")
    resolution_max: Property[NumberLike | ResolutionLike] = Property("resolution_max")
    resolution_min: Property[NumberLike | ResolutionLike] = Property("resolution_min")
    resumable_urls: Property[str] = Property("resumable_urls")
    revisit_period_minutes_max: Property[NumberLike] = Property("revisit_period_minutes_max")
    revisit_period_minutes_min: Property[NumberLike] = Property("revisit_period_minutes_min")
    roll_angle: Property[NumberLike] = Property("roll_angle")
    satellite_id: Property[str] = Property("satellite_id")
    size_bytes: Property[NumberLike] = Property("size_bytes")
    solar_azimuth_angle: Property[NumberLike] = Property("solar_azimuth_angle")
    solar_elevation_angle: Property[NumberLike] = Property("solar_elevation_angle")
    sort_order: Property[NumberLike] = Property("sort_order")
    start_datetime: Property[TimeLike] = Property("start_datetime")
    status: Property[str] = Property("status")
    storage_state: Property[str] = Property("storage_state")
    storage_type: Property[str] = Property("storage_type")
    tags: Property[str] = Property("tags")
    targets: Property[Any] = Property("targets")
    temperature_gain_bias: Property[Any] = Property("temperature_gain_bias")
    type: Property[str] = Property("type")
    user: Property[str] = Property("user")
    vendor_band_name: Property[str] = Property("vendor_band_name")
    vendor_order: Property[NumberLike] = Property("vendor_order")
    view_angle: Property[NumberLike] = Property("view_angle")
    wavelength_nm_center: Property[NumberLike] = Property("wavelength_nm_center")
    wavelength_nm_fwhm: Property[NumberLike] = Property("wavelength_nm_fwhm")
    wavelength_nm_max: Property[NumberLike] = Property("wavelength_nm_max")
    wavelength_nm_min: Property[NumberLike] = Property("wavelength_nm_min")
    writers: Property[str] = Property("writers")
    x_pixels: Property[NumberLike] = Property("x_pixels")
    y_pixels: Property[NumberLike] = Property("y_pixels")


properties: CatalogProperties = CatalogProperties()
