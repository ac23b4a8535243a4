#include "binding.hpp"

namespace landbridge {
namespace {

void undo_differences(WritableTile tile, int64_t first, int64_t last) {
    const int type = pixel_type_index(tile.dtype());
    if (type >= 4) throw nb::type_error("The horizontal predictor needs pixels of an integer type.");
    const int64_t height = int64_t(tile.shape(0)), width = int64_t(tile.shape(1)), samples = int64_t(tile.shape(2));
    require(0 <= first && first <= last && last <= height, [&] {
        return "Rows " + text(first) + " to " + text(last) + " are not in a tile of " + text(height) + " rows.";
    });
    require(is_aligned(tile), [] { return "The tile is not aligned in memory."; });
    void *const pixels = tile.data();
    nb::gil_scoped_release without_gil;
    loops().predictor->undo_differences[type](pixels, first, last, width, samples);
}

}  // namespace

void bind_predictor(nb::module_ &module) {
    module.def("undo_differences", &undo_differences, nb::arg("tile").noconvert(), nb::arg("first"), nb::arg("last"),
               R"(Undo TIFF's horizontal predictor in rows of a tile, in place; sums wrap.

Parameters
----------
tile
    C-contiguous pixels (y, x, sample) of an integer type.
first, last
    First row, and the row after the last.

Raises
------
TypeError
    If the tile is not C-contiguous, cannot be written to, or has no integer type.
ValueError
    If the rows are not in the tile.

Examples
--------
>>> import numpy as np
>>> tile = np.array([[[5], [1], [255]]], np.uint8)
>>> undo_differences(tile, 0, 1)
>>> tile.ravel()
array([5, 6, 5], dtype=uint8)
)");
}

}  // namespace landbridge
