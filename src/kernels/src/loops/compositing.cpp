#include "loops/aligned.hpp"
#include "loops/instruction_set.hpp"
#include "loops/warped.hpp"

namespace landbridge::INSTRUCTION_SET {
namespace {

template <class T>
void composite_aligned_tile(const Tile &tile, bool differences, const AlignedPart &part, const Layer &layer,
                            const Canvas &canvas) {
    AlignedTile<T>(tile, differences, part, layer, canvas).composite();
}

bool touches_missing_pixels(const TilePlace &place, const NodeGrid &grid, const Box &box, const Layer &layer,
                            const Canvas &canvas) {
    return WarpedRuns(place, grid, box, layer, canvas, 1, 1)
        .each(
            [&](int64_t y, int64_t x, int64_t count, const int32_t *, const uint8_t *is_visible) {
                for (int64_t n = 0; n < layer.count; n++)
                    if (any_missing_in_run(canvas, layer.bands[n], y, x, is_visible, count)) return true;
                return false;
            },
            [](const Box &) {});
}

// First and last (exclusive) tile that a range of coordinates touches; none for NaN.
struct TileRange {
    int64_t first, last;

    TileRange(double low, double high, int64_t source, int64_t tile) : first(0), last(0) {
        if (high >= 0.0 && low < double(source)) {
            // Clamped before the conversion, which is undefined for numbers that do not fit.
            first = int64_t(larger(0.0, low)) / tile;
            last = int64_t(smaller(high, double(source) - 1.0)) / tile + 1;
        }
    }
};

void add_box(int64_t *found, const Box &box) {
    // Boxes are empty at first.
    if (found[1] == 0) {
        found[0] = box.top, found[1] = box.bottom, found[2] = box.left, found[3] = box.right;
    } else {
        found[0] = smaller(found[0], box.top), found[1] = larger(found[1], box.bottom);
        found[2] = smaller(found[2], box.left), found[3] = larger(found[3], box.right);
    }
}

void tile_boxes(const NodeGrid &grid, const int64_t *block, const int64_t *tile, const int64_t *source,
                int64_t tile_columns, int64_t *boxes) {
    // With one tap a pixel is its node, else it lies between two, of which the first is one step before the block.
    const int64_t base = grid.taps == 1 ? 0 : 1, span = base;
    for (int64_t j = 0; j <= floor_divide(block[0] - 1 - grid.top, grid.step); j++) {
        const int64_t y0 = larger<int64_t>(0, grid.top + j * grid.step);
        const int64_t y1 = smaller(block[0], grid.top + (j + 1) * grid.step);
        for (int64_t i = 0; i <= floor_divide(block[1] - 1 - grid.left, grid.step); i++) {
            const int64_t x0 = larger<int64_t>(0, grid.left + i * grid.step);
            const int64_t x1 = smaller(block[1], grid.left + (i + 1) * grid.step);
            const int64_t corner = (j + base) * grid.width + i + base;
            double low_row = grid.rows[corner], high_row = low_row;
            double low_column = grid.columns[corner], high_column = low_column;
            for (int64_t dj = 0; dj <= span; dj++) {
                for (int64_t di = 0; di <= span; di++) {
                    const double row = grid.rows[corner + dj * grid.width + di];
                    const double column = grid.columns[corner + dj * grid.width + di];
                    low_row = smaller(low_row, row), high_row = larger(high_row, row);
                    low_column = smaller(low_column, column), high_column = larger(high_column, column);
                }
            }
            const TileRange rows(low_row - grid.max_deviation[0], high_row + grid.max_deviation[0], source[0], tile[0]);
            const TileRange columns(low_column - grid.max_deviation[1], high_column + grid.max_deviation[1], source[1],
                                    tile[1]);
            for (int64_t row = rows.first; row < rows.last; row++)
                for (int64_t column = columns.first; column < columns.last; column++)
                    add_box(boxes + (row * tile_columns + column) * 4, {y0, y1, x0, x1});
        }
    }
}

}  // namespace

#define EACH_PIXEL_TYPE(loop) \
    { loop<uint8_t>, loop<uint16_t>, loop<uint32_t>, loop<uint64_t>, loop<float>, loop<double> }

extern const CompositingLoops compositing_loops;
const CompositingLoops compositing_loops = {
    EACH_PIXEL_TYPE(composite_aligned_tile),
    EACH_PIXEL_TYPE(composite_warped_tile),
    touches_missing_pixels,
    tile_boxes,
};

}  // namespace landbridge::INSTRUCTION_SET
