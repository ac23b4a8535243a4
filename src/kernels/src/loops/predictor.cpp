#include "loops/differences.hpp"
#include "loops/instruction_set.hpp"
#include "loops/loops.hpp"

namespace landbridge::INSTRUCTION_SET {
namespace {

template <class U>
void undo_differences(void *pixels, int64_t first, int64_t last, int64_t width, int64_t samples) {
    U *row = static_cast<U *>(pixels) + first * width * samples;
    for (int64_t y = first; y < last; y++, row += width * samples)
        undo_row_differences<false, U>(row, row, 0, width, samples);
}

}  // namespace

extern const PredictorLoops predictor_loops;
const PredictorLoops predictor_loops = {
    {undo_differences<uint8_t>, undo_differences<uint16_t>, undo_differences<uint32_t>, undo_differences<uint64_t>}};

}  // namespace landbridge::INSTRUCTION_SET
