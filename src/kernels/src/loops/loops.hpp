// The loops of one instruction set, as a table of functions.
#pragma once
#include <cstdint>

namespace landbridge {

// Undo TIFF's horizontal predictor in the rows from `first` to `last` of a tile; sums wrap.
using UndoDifferences = void (*)(void *pixels, int64_t first, int64_t last, int64_t width, int64_t samples);

// Indexed by the size of an element: 1, 2, 4, 8 bytes.
struct PredictorLoops {
    UndoDifferences undo_differences[4];
};

struct Loops {
    const char *name;
    const PredictorLoops *predictor;
};

}  // namespace landbridge
