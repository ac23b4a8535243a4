#include "loops/cells.hpp"
#include "loops/instruction_set.hpp"

namespace landbridge::INSTRUCTION_SET {
namespace {

template <class T> void initialise(const Canvas &canvas) {
    for (int64_t band = 0; band < canvas.bands; band++) {
        for (int64_t cell_row = 0; cell_row < canvas.cell_rows; cell_row++) {
            const int64_t end = smaller(canvas.height, (cell_row + 1) * cell_size);
            for (int64_t cell_column = 0; cell_column < canvas.cell_columns; cell_column++)
                initialise_rows<T>(canvas, band, cell_row, cell_column, end, {end, 0, 0});
        }
    }
}

bool any_missing(const uint8_t *state, int64_t size) {
    uint8_t found = 0;
    for (int64_t n = 0; n < size; n++) found |= state[n];
    return found != VALID;
}

bool any_visible_missing(const uint8_t *state, const uint8_t *visible, int64_t size, bool is_initialised) {
    uint8_t found = 0;
    if (is_initialised)
        for (int64_t n = 0; n < size; n++) found |= uint8_t((state[n] != VALID) & (visible[n] != 0));
    else
        for (int64_t n = 0; n < size; n++) found |= visible[n];
    return found != 0;
}

bool has_missing_pixels(const Canvas &canvas, const int64_t *bands, int64_t count, const Box &box,
                        const uint8_t *visible, int64_t visible_stride) {
    for (int64_t cell_row = box.top / cell_size; cell_row <= (box.bottom - 1) / cell_size; cell_row++) {
        const int64_t top = larger(box.top, cell_row * cell_size);
        const int64_t bottom = smaller(box.bottom, (cell_row + 1) * cell_size);
        for (int64_t cell_column = box.left / cell_size; cell_column <= (box.right - 1) / cell_size; cell_column++) {
            const int64_t left = larger(box.left, cell_column * cell_size);
            const int64_t size = smaller(box.right, (cell_column + 1) * cell_size) - left;
            for (int64_t n = 0; n < count; n++) {
                const int64_t index = cell_index(canvas, bands[n], cell_row, cell_column);
                if (canvas.remaining[index] == 0) continue;
                const int64_t initialised = canvas.initialised_rows[index];
                if (!visible && initialised < bottom) return true;
                for (int64_t y = top; y < bottom; y++) {
                    const uint8_t *state = state_at(canvas, bands[n], y, left);
                    if (visible ? any_visible_missing(state, visible + y * visible_stride + left, size, y < initialised)
                                : any_missing(state, size))
                        return true;
                }
            }
        }
    }
    return false;
}

}  // namespace

extern const CanvasLoops canvas_loops;
const CanvasLoops canvas_loops = {
    {initialise<uint8_t>, initialise<uint16_t>, initialise<uint32_t>, initialise<uint64_t>},
    update_remaining,
    has_missing_pixels,
};

}  // namespace landbridge::INSTRUCTION_SET
