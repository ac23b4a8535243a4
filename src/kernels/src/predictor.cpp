#include "binding.hpp"

namespace landbridge {
namespace {

// Return the index of an integer type's size in a table: 1, 2, 4, 8 bytes.
int size_index(const nb::dlpack::dtype &type) {
    const bool is_integer = type.code == uint8_t(nb::dlpack::dtype_code::UInt) ||
                            type.code == uint8_t(nb::dlpack::dtype_code::Int);
    if (is_integer && type.lanes == 1) {
        switch (type.bits) {
            case 8: return 0;
            case 16: return 1;
            case 32: return 2;
            case 64: return 3;
        }
    }
    throw nb::type_error("The horizontal predictor needs pixels of an integer type of 8 to 64 bits.");
}

void undo_differences(Tile tile, int64_t first, int64_t last) {
    const int index = size_index(tile.dtype());
    const int64_t height = int64_t(tile.shape(0)), width = int64_t(tile.shape(1)), samples = int64_t(tile.shape(2));
    require(0 <= first && first <= last && last <= height, [&] {
        return "Rows " + std::to_string(first) + " to " + std::to_string(last) + " are not in a tile of " +
               std::to_string(height) + " rows.";
    });
    void *const pixels = tile.data();
    nb::gil_scoped_release without_gil;
    loops().predictor->undo_differences[index](pixels, first, last, width, samples);
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
