"""The log of tifffile: silent on files that the engine parses, unchanged for files that users parse."""

import logging

import numpy as np
import tifffile

from landbridge.raster.io.byte_ranges import open_file
from landbridge.raster.io.tiff_directory import read_tiff


def test_only_what_the_engine_parses_is_kept_from_the_log(tmp_path, caplog, capfd):
    """A nodata value that the type can't hold makes tifffile complain."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, np.zeros((64, 64), "uint8"), tile=(16, 16), extratags=[(42113, 2, 0, "-9999", True)]
    )
    level = logging.getLogger("tifffile").level
    caplog.set_level(logging.DEBUG)
    read_tiff(open_file(str(path)))
    assert not caplog.records
    assert capfd.readouterr().err == ""
    with tifffile.TiffFile(path) as tiff:
        _ = tiff.pages[0].nodata
    assert [record.name for record in caplog.records] == ["tifffile"]
    assert logging.getLogger("tifffile").level == level
    caplog.clear()
    read_tiff(open_file(str(path)))
    assert not caplog.records
