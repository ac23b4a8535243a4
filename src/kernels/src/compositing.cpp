#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "binding.hpp"

namespace landbridge {
namespace {

int64_t floor_divide(int64_t number, int64_t divisor) {
    return number / divisor - (number % divisor < 0 ? 1 : 0);
}

// Return a tile of a canvas's type; raise a TypeError or ValueError if it is not one.
Tile tile_of(const TileArray &pixels, const CanvasObject &canvas) {
    if (pixels.dtype() != canvas.dtype()) throw nb::type_error("Tile and canvas must have the same type.");
    require(is_aligned(pixels), [] { return "The tile is not aligned in memory."; });
    return {pixels.data(), int64_t(pixels.shape(0)), int64_t(pixels.shape(1)), int64_t(pixels.shape(2))};
}

void require_indexes(const Indexes &indexes, int64_t size, const char *name) {
    const int64_t *first = indexes.data(), *last = first + indexes.shape(0);
    const auto [low, high] = std::minmax_element(first, last);
    require(*low >= 0 && *high < size, [&, low = *low, high = *high] {
        return std::string(name) + " " + text(low < 0 ? low : high) + " is not in a tile of " + text(size) + ".";
    });
}

void composite_aligned_tile(const TileArray &pixels, bool differences, const Indexes &rows, const Indexes &columns,
                            const Pair &place, const LayerObject &layer, const CanvasObject &canvas) {
    const Tile tile = tile_of(pixels, canvas);
    const Layer &checked = layer.checked(canvas, tile.samples);
    const int type = pixel_type_index(pixels.dtype());
    if (differences && type >= 4) throw nb::type_error("The horizontal predictor needs pixels of an integer type.");
    const int64_t height = int64_t(rows.shape(0)), width = int64_t(columns.shape(0));
    canvas.box({place[0], place[0] + height, place[1], place[1] + width});
    if (height == 0 || width == 0) return;
    require_indexes(rows, tile.height, "Row");
    require_indexes(columns, tile.width, "Column");
    const AlignedPart part{place[0], place[1], rows.data(), columns.data(), height, width};
    nb::gil_scoped_release without_gil;
    loops().compositing->composite_aligned_tile[type](tile, differences, part, checked, canvas.canvas());
}

TilePlace place_of(const Pair &corner, const Pair &size) {
    require(size[0] >= 0 && size[1] >= 0,
            [&] { return "A tile of " + text(size[0]) + " x " + text(size[1]) + " pixels does not exist."; });
    return {{corner[0], corner[1]}, {size[0], size[1]}};
}

void composite_warped_tile(const TileArray &pixels, const Pair &corner, const Pair &size, const NodeGridObject &grid,
                           const BoxBounds &bounds, const LayerObject &layer, const CanvasObject &canvas) {
    const Tile tile = tile_of(pixels, canvas);
    const Layer &checked = layer.checked(canvas, tile.samples);
    const TilePlace place = place_of(corner, size);
    require(size[0] <= tile.height && size[1] <= tile.width, [&] {
        return "The tile has " + text(tile.height) + " x " + text(tile.width) + " pixels, but " + text(size[0]) +
               " x " + text(size[1]) + " were expected.";
    });
    // Offsets of pixels are numbers of 32 bits.
    require(pixels.size() <= size_t(std::numeric_limits<int32_t>::max()),
            [&] { return "A tile of " + text(int64_t(pixels.size())) + " samples is too large to be warped."; });
    const Box box = canvas.box(bounds);
    grid.require_nodes(box);
    if (box.top == box.bottom || box.left == box.right) return;
    const int type = pixel_type_index(pixels.dtype());
    nb::gil_scoped_release without_gil;
    loops().compositing->composite_warped_tile[type](tile, place, grid.grid(), box, checked, canvas.canvas());
}

bool touches_missing_pixels(const Pair &corner, const Pair &size, const NodeGridObject &grid, const BoxBounds &bounds,
                            const LayerObject &layer, const CanvasObject &canvas) {
    // Samples are not read.
    const Layer &checked = layer.checked(canvas, std::numeric_limits<int64_t>::max());
    const TilePlace place = place_of(corner, size);
    const Box box = canvas.box(bounds);
    grid.require_nodes(box);
    if (box.top == box.bottom || box.left == box.right) return false;
    nb::gil_scoped_release without_gil;
    return loops().compositing->touches_missing_pixels(place, grid.grid(), box, checked, canvas.canvas());
}

using Boxes = nb::ndarray<nb::numpy, int64_t, nb::ndim<3>, nb::c_contig>;

Boxes tile_boxes(const NodeGridObject &grid, const Pair &block, const Pair &tile, const Pair &source) {
    require(block[0] > 0 && block[1] > 0 && tile[0] > 0 && tile[1] > 0 && source[0] > 0 && source[1] > 0,
            [] { return "Sizes of a block, a tile and a source must be positive."; });
    grid.require_nodes({0, block[0], 0, block[1]});
    const int64_t rows = (source[0] + tile[0] - 1) / tile[0], columns = (source[1] + tile[1] - 1) / tile[1];
    int64_t *const boxes = new int64_t[size_t(rows * columns * 4)]();
    nb::capsule owner(boxes, [](void *memory) noexcept { delete[] static_cast<int64_t *>(memory); });
    {
        nb::gil_scoped_release without_gil;
        loops().compositing->tile_boxes(grid.grid(), block.data(), tile.data(), source.data(), columns, boxes);
    }
    return Boxes(boxes, {size_t(rows), size_t(columns), 4}, owner);
}

}  // namespace

NodeGridObject::NodeGridObject(Doubles rows, Doubles columns, int64_t step, const Pair &first, int64_t taps,
                               Doubles weights, const std::array<double, 2> &max_deviation)
    : rows_(std::move(rows)), columns_(std::move(columns)), weights_(std::move(weights)), grid_() {
    require(rows_.shape(0) == columns_.shape(0) && rows_.shape(1) == columns_.shape(1),
            [] { return "Rows and columns of the nodes have different shapes."; });
    require(step > 0 && (taps == 1 || taps == 2 || taps == 4) && (taps > 1 || step == 1), [&] {
        return "Nodes " + text(step) + " pixels apart with " + text(taps) +
               " taps do not exist; expected 1, 2 or 4 taps, and with 1 tap a step of 1.";
    });
    require(int64_t(weights_.shape(0)) == taps && int64_t(weights_.shape(1)) == step, [&] {
        return "Weights must have the shape " + text(taps) + " x " + text(step) + ".";
    });
    require(is_aligned(rows_) && is_aligned(columns_) && is_aligned(weights_),
            [] { return "Nodes or weights are not aligned in memory."; });
    grid_ = {rows_.data(), columns_.data(), int64_t(rows_.shape(1)),  step, first[0], first[1], taps,
             weights_.data(), {max_deviation[0], max_deviation[1]}};
}

void NodeGridObject::require_nodes(const Box &box) const {
    // The first node lies one step before `first`; a pixel needs `taps` of them.
    const int64_t skipped = grid_.taps > 1 ? 2 - grid_.taps / 2 : 0;
    const auto covers = [&](int64_t start, int64_t stop, int64_t first, int64_t nodes) {
        return start == stop || (floor_divide(start - first, grid_.step) + skipped >= 0 &&
                                 floor_divide(stop - 1 - first, grid_.step) + skipped + grid_.taps <= nodes);
    };
    require(covers(box.top, box.bottom, grid_.top, int64_t(rows_.shape(0))) &&
                covers(box.left, box.right, grid_.left, grid_.width),
            [&] {
                return "The coordinate grid's " + text(int64_t(rows_.shape(0))) + " x " + text(grid_.width) +
                       " nodes do not cover rows " + text(box.top) + " to " + text(box.bottom) + " and columns " +
                       text(box.left) + " to " + text(box.right) + ".";
            });
}

void bind_compositing(nb::module_ &module) {
    nb::class_<NodeGridObject>(module, "NodeGrid", R"(Source rows and columns at the nodes of a coordinate grid.

Parameters
----------
rows, columns
    Coordinates (y, x) of the nodes.
step, first
    Distance of nodes in pixels of the block, and the pixel (y, x) of the second node, or with one tap of the first.
taps
    Number of nodes in each direction from which a pixel is interpolated: 2 or 4; with 1 every pixel is a node.
weights
    Weights (tap, position between nodes).
max_deviation
    Upper bounds (y, x) of deviations from a straight line between nodes.

Raises
------
ValueError
    If shapes do not fit.
)")
        .def(nb::init<Doubles, Doubles, int64_t, const Pair &, int64_t, Doubles, const std::array<double, 2> &>(),
             nb::arg("rows"), nb::arg("columns"), nb::arg("step"), nb::arg("first"), nb::arg("taps"),
             nb::arg("weights"), nb::arg("max_deviation"));
    module.def("composite_aligned_tile", &composite_aligned_tile, nb::arg("tile"), nb::arg("differences"),
               nb::arg("rows"), nb::arg("columns"), nb::arg("place"), nb::arg("layer"), nb::arg("canvas"),
               R"(Composite a tile into an aligned part of a block.

The part starts at `place` (y, x) of the block; its pixels take the `rows` and `columns` of the tile (y, x, sample).
With `differences`, the tile's horizontal predictor is not undone yet.
)");
    module.def("composite_warped_tile", &composite_warped_tile, nb::arg("tile"), nb::arg("corner"), nb::arg("size"),
               nb::arg("grid"), nb::arg("box"), nb::arg("layer"), nb::arg("canvas"),
               R"(Composite a tile into the pixels of a box of a block, by source coordinates at nodes.

The tile's `corner` and `size` (y, x) are in the source's pixels.
)");
    module.def("touches_missing_pixels", &touches_missing_pixels, nb::arg("corner"), nb::arg("size"), nb::arg("grid"),
               nb::arg("box"), nb::arg("layer"), nb::arg("canvas"),
               "Return whether a pixel of a box that is not valid yet lies in a tile, as in `composite_warped_tile`.");
    module.def("tile_boxes", &tile_boxes, nb::arg("grid"), nb::arg("block"), nb::arg("tile"), nb::arg("source"),
               R"(Return for each of a source's tiles the box of the block's pixels that may lie in it.

`block`, `tile` and `source` are sizes (y, x). A box (tile row, tile column, 4) is (first row, last row, first column,
last column), the last ones exclusive; it is zero if no pixel lies in the tile.
)");
}

}  // namespace landbridge
