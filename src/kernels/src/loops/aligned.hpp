// Tiles whose pixels are aligned with a block's.
#pragma once
#include <type_traits>

#include "loops/differences.hpp"
#include "loops/scratch.hpp"
#include "loops/span.hpp"

namespace {

using landbridge::AlignedPart;
using landbridge::Layer;
using landbridge::Tile;

constexpr int64_t cache_line = 64;
// Number of rows that are prefetched before they are written: the distance between rows defeats the processor's own
// prefetcher.
constexpr int64_t prefetched_rows = 2;

template <class T, int Samples>
void split_samples(const T *__restrict row, T *__restrict lines, int64_t first, int64_t last, int64_t line_size,
                   const int64_t *wanted, int64_t count, int64_t samples) {
    const int64_t step = Samples ? Samples : samples;
    for (int64_t n = 0; n < count; n++) {
        const T *from = row + wanted[n];
        T *line = lines + wanted[n] * line_size;
        for (int64_t x = first; x < last; x++) line[x] = from[x * step];
    }
}

// Extract a row of a tile into lines, one per sample: the columns from `first` to `last`, and at least the wanted
// samples.
template <class T>
void extract_row(const T *row, T *lines, int64_t first, int64_t last, int64_t line_size, const int64_t *wanted,
                 int64_t count, int64_t samples) {
    if (samples == 1)
        std::memcpy(lines + first, row + first, size_t(last - first) * sizeof(T));
    else if (samples == 2)
        split_samples<T, 2>(row, lines, first, last, line_size, wanted, count, samples);
    else if (samples == 3)
        split_samples<T, 3>(row, lines, first, last, line_size, wanted, count, samples);
    else if (samples == 4)
        split_samples<T, 4>(row, lines, first, last, line_size, wanted, count, samples);
    else
        split_samples<T, 0>(row, lines, first, last, line_size, wanted, count, samples);
}

// Always inlined: gcc removes calls of functions that only prefetch, as if they had no effect.
template <class T>
[[gnu::always_inline]] inline void prefetch_row(const Canvas &canvas, int64_t band, int64_t y, int64_t x,
                                                int64_t width) {
    const T *values = values_at<T>(canvas, band, y, x);
    const uint8_t *state = state_at(canvas, band, y, x);
    for (int64_t at = 0; at < width; at += cache_line / int64_t(sizeof(T))) __builtin_prefetch(values + at, 1, 3);
    for (int64_t at = 0; at < width; at += cache_line) __builtin_prefetch(state + at, 1, 3);
}

// Progress of one of a layer's bands in a row of cells, in columns relative to the part.
struct BandProgress {
    // Columns around which all cells are complete.
    int64_t first, last;
    // Columns of pixels that are not initialised yet.
    int64_t start, stop;
    bool is_all_valid;

    bool is_incomplete() const { return first < last; }
};

// Compositor of one tile.
template <class T> class AlignedTile {
public:
    AlignedTile(const Tile &tile, bool differences, const AlignedPart &part, const Layer &layer, const Canvas &canvas)
        : tile_(tile),
          part_(part),
          layer_(layer),
          canvas_(canvas),
          differences_(differences),
          first_(smaller(part.columns[0], part.columns[part.width - 1])),
          last_(larger(part.columns[0], part.columns[part.width - 1])),
          // A row is decoded from its beginning on, in whole vectors.
          line_size_(smaller(tile.width, (last_ / cache_line + 1) * cache_line)),
          scratch_(size_t(tile.samples * line_size_ + part.width) * sizeof(T) + size_t(part.width) +
                       size_t(layer.count + 1) * sizeof(int64_t) + size_t(layer.count) * sizeof(BandProgress),
                   5),
          lines_(scratch_.template take<T>(tile.samples * line_size_)),
          selected_(scratch_.template take<T>(part.width)),
          is_visible_(scratch_.template take<uint8_t>(part.width)),
          wanted_(scratch_.template take<int64_t>(layer.count + 1)),
          progress_(scratch_.template take<BandProgress>(layer.count)) {
        is_restricted_ = layer.alpha >= 0 || layer.visible;
        is_contiguous_ = last_ - first_ == part.width - 1;
        for (int64_t x = 0; x < part.width; x++) is_contiguous_ &= part.columns[x] == first_ + x;
        for (int64_t n = 0; n < layer.count; n++) wanted_[n] = layer.samples[n];
        wanted_count_ = layer.count;
        if (layer.alpha >= 0) wanted_[wanted_count_++] = layer.alpha;
    }

    void composite() {
        const int64_t bottom = part_.top + part_.height;
        for (int64_t top = part_.top; top < bottom;) {
            // One row of cells at a time, row by row.
            const int64_t cell_row = top / cell_size, end = smaller(bottom, (cell_row + 1) * cell_size);
            for (int64_t n = 0; n < layer_.count; n++) start_cells(n, cell_row, top, end);
            for (int64_t y = top; y < end; y++) {
                if (y + prefetched_rows < bottom)
                    for (int64_t n = 0; n < layer_.count; n++)
                        if (progress_[n].is_incomplete())
                            prefetch_row<T>(canvas_, layer_.bands[n], y + prefetched_rows, part_.left, part_.width);
                extract(y);
                for (int64_t n = 0; n < layer_.count; n++)
                    if (progress_[n].is_incomplete()) composite_row(n, y);
            }
            for (int64_t n = 0; n < layer_.count; n++) count_cells(n, cell_row, top, end);
            top = end;
        }
    }

private:
    // Initialise the cells of a band in a row of cells, except for a run of pixels that are all written now.
    void start_cells(int64_t n, int64_t cell_row, int64_t top, int64_t end) {
        const int64_t band = layer_.bands[n], right = part_.left + part_.width;
        BandProgress progress{part_.width, 0, 0, 0, true};
        for (int64_t cell_column = part_.left / cell_size; cell_column <= (right - 1) / cell_size; cell_column++) {
            const int64_t index = cell_index(canvas_, band, cell_row, cell_column);
            const int64_t x0 = larger(part_.left, cell_column * cell_size);
            const int64_t x1 = smaller(right, (cell_column + 1) * cell_size);
            if (canvas_.remaining[index] != 0) {
                progress.first = smaller(progress.first, x0 - part_.left);
                progress.last = x1 - part_.left;
            }
            KeptColumns kept{end, 0, 0};
            if (!is_restricted_ && canvas_.initialised_rows[index] <= top) {
                if (progress.start == progress.stop) progress.start = progress.stop = x0 - part_.left;
                if (part_.left + progress.stop == x0) {
                    progress.stop = x1 - part_.left;
                    kept = {top, x0, x1};
                }
            }
            initialise_rows<T>(canvas_, band, cell_row, cell_column, end, kept);
        }
        progress_[n] = progress;
    }

    // Extract the tile's row of the block's row `y`, and the visible pixels.
    void extract(int64_t y) {
        const T *row = static_cast<const T *>(tile_.pixels) +
                       part_.rows[y - part_.top] * tile_.width * tile_.samples;
        if (!differences_)
            extract_row(row, lines_, first_, last_ + 1, line_size_, wanted_, wanted_count_, tile_.samples);
        else if constexpr (std::is_integral_v<T>)
            undo_row_differences<true>(row, lines_, line_size_, line_size_, tile_.samples);
        if (layer_.visible)
            std::memcpy(is_visible_, layer_.visible + y * layer_.visible_stride + part_.left, size_t(part_.width));
        if (layer_.alpha >= 0) {
            const T *alpha = lines_ + layer_.alpha * line_size_;
            for (int64_t x = 0; x < part_.width; x++) {
                const uint8_t shown = alpha[part_.columns[x]] != 0;
                is_visible_[x] = layer_.visible ? uint8_t((is_visible_[x] != 0) & shown) : shown;
            }
        }
    }

    void composite_row(int64_t n, int64_t y) {
        const T *values = lines_ + layer_.samples[n] * line_size_;
        if (is_contiguous_) {
            values += first_;
        } else {
            for (int64_t x = 0; x < part_.width; x++) selected_[x] = values[part_.columns[x]];
            values = selected_;
        }
        T *out = values_at<T>(canvas_, layer_.bands[n], y, part_.left);
        uint8_t *state = state_at(canvas_, layer_.bands[n], y, part_.left);
        const T nodata = static_cast<const T *>(layer_.nodata)[n];
        const bool has_nodata = layer_.has_nodata[n];
        BandProgress &progress = progress_[n];
        const int64_t start = progress.start, stop = progress.stop;
        if (start < stop) {
            const T fill_value = static_cast<const T *>(canvas_.fill_values)[layer_.bands[n]];
            progress.is_all_valid &= composite_blank_span(values + start, stop - start, out + start, state + start,
                                                          nodata, has_nodata, fill_value, layer_.show_invalid);
        }
        // The pixels left and right of the blank columns.
        const auto composite_part = [&](int64_t from, int64_t to) {
            composite_span(values + from, is_restricted_ ? is_visible_ + from : nullptr, to - from, out + from,
                           state + from, nodata, has_nodata, layer_.show_invalid);
        };
        if (start < stop) composite_part(progress.first, start);
        composite_part(start < stop ? stop : progress.first, progress.last);
    }

    // Update the number of remaining pixels of a band in a row of cells.
    void count_cells(int64_t n, int64_t cell_row, int64_t top, int64_t end) {
        const int64_t band = layer_.bands[n];
        int64_t start = part_.left + progress_[n].start, stop = part_.left + progress_[n].stop;
        if (!progress_[n].is_all_valid) {
            start = stop = part_.left;
        } else if (start < stop) {
            for (int64_t cell_column = start / cell_size; cell_column <= (stop - 1) / cell_size; cell_column++) {
                const Box cell = cell_box(canvas_, cell_row, cell_column);
                canvas_.remaining[cell_index(canvas_, band, cell_row, cell_column)] -=
                    (end - top) * (smaller(stop, cell.right) - larger(start, cell.left));
            }
        }
        for (const Box &box : {Box{top, end, part_.left, start}, Box{top, end, stop, part_.left + part_.width}})
            if (box.left < box.right) update_remaining(canvas_, &band, 1, box);
    }

    const Tile &tile_;
    const AlignedPart &part_;
    const Layer &layer_;
    const Canvas &canvas_;
    const bool differences_;
    const int64_t first_, last_, line_size_;
    Scratch scratch_;
    // Lines of samples, and the selected columns of one.
    T *lines_, *selected_;
    uint8_t *is_visible_;
    int64_t *wanted_;
    BandProgress *progress_;
    int64_t wanted_count_;
    // Whether some pixels may not be shown, and whether the columns are neighbors.
    bool is_restricted_, is_contiguous_;
};

}  // namespace
