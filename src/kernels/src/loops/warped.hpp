// Tiles of a source whose grid is not aligned with the block's: nearest neighbor by a coordinate grid.
#pragma once
#include "loops/nodes.hpp"
#include "loops/scratch.hpp"
#include "loops/span.hpp"

namespace {

using landbridge::Layer;
using landbridge::Tile;
using landbridge::TilePlace;

// Gather all samples of pixels at offsets in a tile into lines, one per sample, `line_size` elements apart.
template <class T, int Samples>
void gather_pixels(const T *pixels, const int32_t *offsets, int64_t count, T *lines, int64_t line_size) {
    using U = Unsigned<T>;
    using P = PixelVector<U, Samples>;
    int64_t x = 0;
    for (; x + P::lanes <= count; x += P::lanes) {
        U gathered[Samples * P::lanes];
        for (int n = 0; n < P::lanes; n++)
            std::memcpy(gathered + n * Samples, pixels + offsets[x + n], Samples * sizeof(T));
        typename P::Vector vectors[Samples];
        for (int k = 0; k < Samples; k++) vectors[k] = P::load(gathered + k * P::lanes);
        P::deinterleave(vectors);
        for (int k = 0; k < Samples; k++) std::memcpy(lines + k * line_size + x, &vectors[k], sizeof vectors[k]);
    }
    for (; x < count; x++)
        for (int k = 0; k < Samples; k++) lines[k * line_size + x] = pixels[offsets[x] + k];
}

// Gather at least the samples that a layer needs.
template <class T>
void gather(const T *pixels, int64_t samples, const int32_t *offsets, int64_t count, const Layer &layer, T *lines,
            int64_t line_size) {
    if (samples == 4) return gather_pixels<T, 4>(pixels, offsets, count, lines, line_size);
    if (samples == 2) return gather_pixels<T, 2>(pixels, offsets, count, lines, line_size);
    for (int64_t n = 0; n < layer.count + (layer.alpha >= 0); n++) {
        const int64_t sample = n < layer.count ? layer.samples[n] : layer.alpha;
        T *line = lines + sample * line_size;
        for (int64_t x = 0; x < count; x++) line[x] = pixels[offsets[x] + sample];
    }
}

// Return whether any visible pixel of a run is not valid yet.
inline bool any_missing_in_run(const Canvas &canvas, int64_t band, int64_t y, int64_t x, const uint8_t *is_visible,
                               int64_t count) {
    uint8_t found = 0;
    for (int64_t start = x, stop = x + count; start < stop;) {
        // The run's part in one cell.
        const int64_t end = smaller(stop, (start / cell_size + 1) * cell_size);
        const uint8_t *state = state_at(canvas, band, y, start), *visible = is_visible + (start - x);
        if (y >= canvas.initialised_rows[cell_index(canvas, band, y / cell_size, start / cell_size)])
            for (int64_t n = 0; n < end - start; n++) found |= visible[n];
        else
            for (int64_t n = 0; n < end - start; n++) found |= uint8_t(state[n] != VALID) & visible[n];
        start = end;
    }
    return found != 0;
}

// The pixels of a box of a block that a tile may have, run by run between two nodes.
class WarpedRuns {
public:
    WarpedRuns(const TilePlace &place, const NodeGrid &grid, const Box &box, const Layer &layer, const Canvas &canvas,
               int64_t tile_width, int64_t samples)
        : place_(place),
          grid_(grid),
          box_(box),
          layer_(layer),
          canvas_(canvas),
          tile_width_(int32_t(tile_width)),
          samples_(int32_t(samples)),
          skipped_(grid.taps > 1 ? 2 - grid.taps / 2 : 0),
          first_(floor_divide(box.left - grid.left, grid.step)),
          last_(floor_divide(box.right - 1 - grid.left, grid.step)),
          scratch_(size_t(2 * grid.width + grid.step) * sizeof(double) + size_t(grid.step) * (sizeof(int32_t) + 2) +
                       size_t(canvas.cell_columns),
                   7),
          node_rows_(scratch_.take<double>(grid.width)),
          node_columns_(scratch_.take<double>(grid.width)),
          fractions_(scratch_.take<double>(grid.step)),
          offsets_(scratch_.take<int32_t>(grid.step)),
          is_visible_(scratch_.take<uint8_t>(grid.step)),
          all_visible_(scratch_.take<uint8_t>(grid.step)),
          is_empty_(scratch_.take<uint8_t>(canvas.cell_columns)) {
        for (int64_t n = 0; n < grid.step; n++) fractions_[n] = double(n) / double(grid.step);
        std::memset(all_visible_, 1, size_t(grid.step));
    }

    // Call `run(y, x, count, offsets, is_visible)` for each run with pixels that are not valid yet and may lie in the
    // tile, and `end_strip(box)` after each row of cells, until a run returns true. Return whether one did.
    template <class Run, class EndStrip> bool each(Run run, EndStrip end_strip) {
        for (int64_t top = box_.top; top < box_.bottom;) {
            const int64_t cell_row = top / cell_size, end = smaller(box_.bottom, (cell_row + 1) * cell_size);
            find_empty_cells(cell_row);
            for (int64_t y = top; y < end; y++)
                if (each_in_row(y, run)) return true;
            end_strip(Box{top, end, box_.left, box_.right});
            top = end;
        }
        return false;
    }

private:
    // Find cells in which all pixels of some band are missing; no pixel is written twice in a call.
    void find_empty_cells(int64_t cell_row) {
        for (int64_t column = box_.left / cell_size; column <= (box_.right - 1) / cell_size; column++) {
            const Box cell = cell_box(canvas_, cell_row, column);
            is_empty_[column] = 0;
            for (int64_t n = 0; n < layer_.count; n++)
                is_empty_[column] |= canvas_.remaining[cell_index(canvas_, layer_.bands[n], cell_row, column)] ==
                                     (cell.bottom - cell.top) * (cell.right - cell.left);
        }
    }

    template <class Run> bool each_in_row(int64_t y, Run run) {
        const int64_t node_row = floor_divide(y - grid_.top, grid_.step);
        bool is_blended = false;
        for (int64_t i = first_; i <= last_; i++) {
            const int64_t start = grid_.left + i * grid_.step;
            const int64_t x0 = larger(box_.left, start), x1 = smaller(box_.right, start + grid_.step), count = x1 - x0;
            bool is_wanted = (is_empty_[x0 / cell_size] | is_empty_[(x1 - 1) / cell_size]) != 0;
            for (int64_t n = 0; n < layer_.count && !is_wanted; n++)
                is_wanted = any_missing_in_run(canvas_, layer_.bands[n], y, x0, all_visible_, count);
            if (!is_wanted) continue;
            if (!is_blended) {
                is_blended = true;
                blend_nodes(node_row, y - grid_.top - node_row * grid_.step);
            }
            if (!find_offsets(i + skipped_, x0 - start, count)) continue;
            if (layer_.visible) {
                const uint8_t *visible = layer_.visible + y * layer_.visible_stride + x0;
                for (int64_t x = 0; x < count; x++) is_visible_[x] &= uint8_t(visible[x] != 0);
            }
            if (run(y, x0, count, offsets_, is_visible_)) return true;
        }
        return false;
    }

    // Interpolate the nodes of a row of pixels, relative to the tile's corner.
    void blend_nodes(int64_t node_row, int64_t phase) {
        for (int64_t n = first_ + skipped_; n < last_ + skipped_ + grid_.taps; n++) {
            double row = 0.0, column = 0.0;
            for (int64_t tap = 0; tap < grid_.taps; tap++) {
                const double weight = grid_.weights[tap * grid_.step + phase];
                const int64_t at = (node_row + skipped_ + tap) * grid_.width + n;
                row += weight * grid_.rows[at];
                column += weight * grid_.columns[at];
            }
            node_rows_[n] = row - double(place_.corner[0]);
            node_columns_[n] = column - double(place_.corner[1]);
        }
    }

    // Return whether a run between two nodes is certainly outside the tile; false for NaN.
    bool is_outside(int64_t node) const {
        const int64_t near = node + larger<int64_t>(0, grid_.taps / 2 - 1), far = node + grid_.taps / 2;
        const double *lines[2] = {node_rows_, node_columns_};
        for (int axis = 0; axis < 2; axis++) {
            const double one = lines[axis][near], other = lines[axis][far], deviation = grid_.max_deviation[axis];
            if (larger(one, other) + deviation < 0.0 ||
                smaller(one, other) - deviation >= double(place_.size[axis]))
                return true;
        }
        return false;
    }

    // Compute the offsets of the first samples of a run's pixels, and flags of pixels inside the tile. Return false if
    // none lies in the tile.
    bool find_offsets(int64_t node, int64_t first, int64_t count) {
        if (is_outside(node)) return false;
        const Polynomial rows = polynomial_between(node_rows_ + node, grid_.taps);
        const Polynomial columns = polynomial_between(node_columns_ + node, grid_.taps);
        const double height = double(place_.size[0]), width = double(place_.size[1]);
        const double *__restrict fractions = fractions_ + first;
        int32_t *__restrict offsets = offsets_;
        uint8_t *__restrict is_visible = is_visible_;
        const int32_t tile_width = tile_width_, samples = samples_;
        if (rows.stays_inside(height) && columns.stays_inside(width)) {
            for (int64_t x = 0; x < count; x++)
                offsets[x] = (int32_t(rows.at(fractions[x])) * tile_width + int32_t(columns.at(fractions[x]))) * samples;
            std::memset(is_visible, 1, size_t(count));
            return true;
        }
        for (int64_t x = 0; x < count; x++) {
            const double r = rows.at(fractions[x]), c = columns.at(fractions[x]);
            // False for NaN. Clamped before the conversion, which is undefined for numbers that do not fit.
            const bool is_inside = (r >= 0.0) & (r < height) & (c >= 0.0) & (c < width);
            offsets[x] = (int32_t(is_inside ? r : 0.0) * tile_width + int32_t(is_inside ? c : 0.0)) * samples;
            is_visible[x] = is_inside;
        }
        return true;
    }

    const TilePlace &place_;
    const NodeGrid &grid_;
    const Box box_;
    const Layer &layer_;
    const Canvas &canvas_;
    const int32_t tile_width_, samples_;
    // Number of nodes before the first that contributes, and the first and last step of the box's columns.
    const int64_t skipped_, first_, last_;
    Scratch scratch_;
    double *node_rows_, *node_columns_;
    // Positions between two nodes.
    double *fractions_;
    int32_t *offsets_;
    uint8_t *is_visible_, *all_visible_, *is_empty_;
};

template <class T>
void composite_warped_tile(const Tile &tile, const TilePlace &place, const NodeGrid &grid, const Box &box,
                      const Layer &layer, const Canvas &canvas) {
    WarpedRuns runs(place, grid, box, layer, canvas, tile.width, tile.samples);
    Scratch scratch(size_t(tile.samples * grid.step) * sizeof(T), 1);
    T *lines = scratch.take<T>(tile.samples * grid.step);
    const T *nodata = static_cast<const T *>(layer.nodata);
    runs.each(
        [&](int64_t y, int64_t x, int64_t count, const int32_t *offsets, uint8_t *is_visible) {
            gather(static_cast<const T *>(tile.pixels), tile.samples, offsets, count, layer, lines, grid.step);
            if (layer.alpha >= 0) {
                const T *alpha = lines + layer.alpha * grid.step;
                for (int64_t n = 0; n < count; n++) is_visible[n] &= uint8_t(alpha[n] != 0);
            }
            for (int64_t n = 0; n < layer.count; n++) {
                const int64_t band = layer.bands[n];
                for (int64_t column = x / cell_size; column <= (x + count - 1) / cell_size; column++)
                    initialise_rows<T>(canvas, band, y / cell_size, column, y + 1, {y + 1, 0, 0});
                composite_span(lines + layer.samples[n] * grid.step, is_visible, count,
                               values_at<T>(canvas, band, y, x), state_at(canvas, band, y, x), nodata[n],
                               layer.has_nodata[n] != 0, layer.show_invalid);
            }
            return false;
        },
        [&](const Box &strip) { update_remaining(canvas, layer.bands, layer.count, strip); });
}

}  // namespace
