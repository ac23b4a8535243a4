// The loops of one instruction set, as tables of functions, and their arguments.
//
// The loops check nothing: the binding checks all arguments once per call.
#pragma once
#include <cstddef>
#include <cstdint>

namespace landbridge {

// Edge in pixels of the squares in which a canvas counts its missing pixels.
constexpr int64_t cell_size = 128;

// State of a pixel. INVALID: it shows a value that is not valid.
enum State : uint8_t { VALID = 0, MISSING = 1, INVALID = 2 };

// First and last (exclusive) row, then column, of a block's pixels.
struct Box {
    int64_t top, bottom, left, right;
};

// Values and states (band, y, x) of a block, and the number of pixels still to fill. Rows are contiguous.
struct Canvas {
    void *values;
    uint8_t *state;
    int64_t bands, height, width;
    // Distances of bands and rows, in elements.
    int64_t band_stride, row_stride, state_band_stride, state_row_stride;
    // Of each cell (band, y, x): the number of pixels that are not valid yet, and the row of the block up to which the
    // cell is initialised. Later rows are missing, whatever the memory of their values and states holds.
    int64_t *remaining, *initialised_rows;
    int64_t cell_rows, cell_columns;
    // Values of missing pixels, per band.
    const void *fill_values;
};

// Samples of a tile, and the conditions under which their pixels are composited.
struct Layer {
    int64_t count;
    // Positions of samples in a pixel, and the canvas's bands that they go to.
    const int64_t *samples, *bands;
    // Position of the sample that hides pixels by 0, or -1.
    int64_t alpha;
    // Values, of the tile's type, that are not valid if the flag is set. NaN is never valid.
    const void *nodata;
    const uint8_t *has_nodata;
    // Pixels (y, x) of the block that the image may show; null: all.
    const uint8_t *visible;
    int64_t visible_stride;
    // Values that are not valid replace missing pixels.
    bool show_invalid;
};

// Decoded pixels (y, x, sample).
struct Tile {
    const void *pixels;
    int64_t height, width, samples;
};

// Source rows and columns at the nodes of a coordinate grid, between which pixels are interpolated.
struct NodeGrid {
    const double *rows, *columns;
    // Number of nodes in a row.
    int64_t width;
    // Nodes are `step` pixels of the block apart, the second at `top` and `left`. A pixel is interpolated from `taps`
    // nodes in each direction by `weights` (tap, position between nodes); with one tap every pixel is a node.
    int64_t step, top, left, taps;
    const double *weights;
    // Upper bounds of deviations (y, x) from a straight line between nodes.
    double max_deviation[2];
};

// Part (y, x) of a source that a tile covers, in the source's pixels.
struct TilePlace {
    int64_t corner[2], size[2];
};

// Part of a block whose pixels take rows and columns of a tile.
struct AlignedPart {
    int64_t top, left;
    const int64_t *rows, *columns;
    int64_t height, width;
};

// Pixels (band, y, x) of a source that are interpolated at points (y, x).
struct LocalSource {
    const void *values;
    const uint8_t *valid;
    int64_t bands, height, width;
};
struct LocalPoints {
    // Source coordinates of the points, and the number of source pixels per pixel.
    const double *rows, *columns, *row_scales, *column_scales;
    int64_t count;
};

// Pixel types. Compositing copies values and compares them with nodata only, so that an unsigned integer also serves
// for the signed one of its size.
constexpr int pixel_types = 6;  // unsigned integers of 1, 2, 4 and 8 bytes, floats of 4 and 8 bytes

// Types of pixels that arithmetic is done with.
constexpr int number_types = 10;  // unsigned, then signed integers of 1, 2, 4 and 8 bytes, floats of 4 and 8 bytes

struct PredictorLoops {
    // By size of an element: 1, 2, 4, 8 bytes.
    void (*undo_differences[4])(void *pixels, int64_t first, int64_t last, int64_t width, int64_t samples);
};

struct CanvasLoops {
    // By size of an element.
    void (*initialise[4])(const Canvas &);
    void (*update_remaining)(const Canvas &, const int64_t *bands, int64_t count, const Box &);
    bool (*has_missing_pixels)(const Canvas &, const int64_t *bands, int64_t count, const Box &, const uint8_t *visible,
                               int64_t visible_stride);
};

struct CompositingLoops {
    // By pixel type.
    void (*composite_aligned_tile[pixel_types])(const Tile &, bool differences, const AlignedPart &, const Layer &,
                                                const Canvas &);
    void (*composite_warped_tile[pixel_types])(const Tile &, const TilePlace &, const NodeGrid &, const Box &,
                                               const Layer &, const Canvas &);
    bool (*touches_missing_pixels)(const TilePlace &, const NodeGrid &, const Box &, const Layer &, const Canvas &);
    void (*tile_boxes)(const NodeGrid &, const int64_t *block, const int64_t *tile, const int64_t *source,
                       int64_t tile_columns, int64_t *boxes);
};

struct LocalScaleLoops {
    // For floats of 4 and 8 bytes.
    void (*interpolate[2])(const LocalSource &, const LocalPoints &, int kernel, void *out, uint8_t *out_valid);
};

struct ConversionLoops {
    // From floats of 4 and 8 bytes, by number type; null for integers of 8 bytes.
    void (*round_floats[2][number_types])(const void *values, int64_t count, bool halves_up, void *out);
};

// Reductions of images to one, pixel by pixel. `missing` is not 0 for pixels that an image lacks.
struct ReductionLoops {
    // By number type: add images (image, pixel) to sums of 8-byte floats, or of 4-byte integers for pixels of 1 and 2
    // bytes.
    void (*add_to_sums[number_types])(const void *values, const uint8_t *missing, int64_t images, int64_t count,
                                      void *sums, uint32_t *counts);
    void (*add_to_integer_sums[number_types])(const void *values, const uint8_t *missing, int64_t images,
                                              int64_t count, void *sums, uint32_t *counts);
    void (*count_pixels)(const uint8_t *missing, int64_t count, uint32_t *counts);
    // By number type: keep the smaller or greater pixels; return whether all are the `best` that there is.
    bool (*keep_smaller[number_types])(const void *values, const uint8_t *missing, int64_t count, const void *best,
                                       void *extremes, uint8_t *never);
    bool (*keep_greater[number_types])(const void *values, const uint8_t *missing, int64_t count, const void *best,
                                       void *extremes, uint8_t *never);
    // By number type: replace missing pixels by a filler, and count the others.
    void (*fill_missing[number_types])(const uint8_t *missing, int64_t count, const void *filler, void *values,
                                       uint32_t *counts);
    // By type of the sums (floats of 8 bytes, unsigned and signed integers of 4): divide them by their counts.
    void (*take_means[3])(const void *sums, const uint32_t *counts, int64_t count, double *means);
    // By number type: medians of the first `counts` values of each pixel in ascending order, 0 if that is 0.
    void (*take_medians[number_types])(const void *values, int64_t images, int64_t count, const uint32_t *counts,
                                       double *medians);
};

struct Loops {
    const char *name;
    const PredictorLoops *predictor;
    const CanvasLoops *canvas;
    const CompositingLoops *compositing;
    const LocalScaleLoops *local_scales;
    const ReductionLoops *reductions;
    const ConversionLoops *conversion;
};

// Memory for the time of a call; throws std::bad_alloc. Defined outside the loops: see instruction_set.hpp.
void *allocate(size_t bytes);
void release(void *memory);

}  // namespace landbridge
