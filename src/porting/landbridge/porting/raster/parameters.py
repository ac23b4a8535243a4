"""Documentation of the parameters that methods of the Raster service share: type and text of each."""

from __future__ import annotations

from typing import Final

__all__ = ["PARAMETERS", "STACK_PARAMETERS"]

PARAMETERS: Final = {
    "inputs": "str or list of str: Ids of images.",
    "bands": "list of str: Names of bands. By default all.",
    "scales": (
        "list: Scale of each band, one for each: None, (in0, in1) to 0 to 255, (in0, in1, out0, out1), or"
        " a mode of the Catalog."
    ),
    "data_type": 'str: Type of the result, such as "Byte" or "UInt16".',
    "srs": "str: Reference system of the result.",
    "resolution": "float: Side of a pixel in units of `srs`.",
    "dimensions": "tuple of int: (columns, rows) in place of `resolution`.",
    "cutline": (
        "dict, str or shapely geometry: Geometry in longitude and latitude, outside of "
        "which there is no data."
    ),
    "bounds": "tuple of float: (min x, min y, max x, max y).",
    "bounds_srs": "str: Reference system of the bounds.",
    "align_pixels": "bool: Put the lines of the grid on multiples of the resolution.",
    "resampler": 'str: Resampling algorithm, "near" by default.',
    "order": 'str: "image": (row, column, band). "gdal": (band, row, column).',
    "dltile": "str, dict or DLTile: Tile that is the grid of the result.",
    "processing_level": "str: Processing level of the pixels.",
    "cutline_all_touched": "bool: Keep each pixel that the cutline touches.",
    "masked": "bool: Return a masked array.",
    "mask_nodata": "bool: Take pixels with the nodata value of their band as pixels without data.",
    "mask_alpha": (
        "bool or str: Take pixels at which the alpha band is 0 as pixels without data. By "
        "default if all products have one."
    ),
    "drop_alpha": "bool: Leave alpha out of the result if it is requested.",
    "progress": "bool: Show a progress bar. By default only on a terminal.",
    "max_workers": "int: Number of threads. By default one for each core, or more for remote files.",
    "output_format": 'str: "GTiff", "PNG" or "JPEG".',
    "save": "bool: Write the file too.",
    "outfile_basename": (
        "str: Path of the file without its extension, with `save`. By default ids and "
        "bands, in the current folder."
    ),
}
STACK_PARAMETERS: Final = PARAMETERS | {
    "inputs": "list: Each the id of an image, or a list of ids whose mosaic is one layer."
}
