// Conversion of floats to integers: rounded, and clipped to the range of the type.
#include <limits>

#include "loops/instruction_set.hpp"
#include "loops/loops.hpp"
#include "loops/vectors.hpp"

namespace landbridge::INSTRUCTION_SET {
namespace {

// Adding and subtracting it rounds a double to the nearest integer, halves to even ones, as `rint` does; unlike that,
// compilers turn it into vectors for every processor. Right for numbers of less than 2^51.
constexpr double rounding = 6755399441055744.0;

double nearest_integer(double value) { return (value + rounding) - rounding; }

template <class Float, class Integer, bool HalvesUp>
void round_run(const Float *__restrict values, int64_t count, Integer *__restrict out) {
    constexpr double low = double(std::numeric_limits<Integer>::min());
    constexpr double high = double(std::numeric_limits<Integer>::max());
    for (int64_t n = 0; n < count; n++) {
        // NaN, which is not equal to itself, becomes 0. The half is added in the type of the values.
        const Float value = values[n] == values[n] ? values[n] : Float(0);
        const double number = smaller(larger(double(HalvesUp ? Float(value + Float(0.5)) : value), low), high);
        double rounded = nearest_integer(number);
        if (HalvesUp) rounded -= double(rounded > number);
        out[n] = Integer(rounded);
    }
}

template <class Float, class Integer>
void round_floats(const void *values, int64_t count, bool halves_up, void *out) {
    const Float *from = static_cast<const Float *>(values);
    Integer *to = static_cast<Integer *>(out);
    halves_up ? round_run<Float, Integer, true>(from, count, to)
              : round_run<Float, Integer, false>(from, count, to);
}

}  // namespace

#define TO_EACH_INTEGER(Float)                                                                                    \
    {                                                                                                             \
        round_floats<Float, uint8_t>, round_floats<Float, uint16_t>, round_floats<Float, uint32_t>, nullptr,      \
            round_floats<Float, int8_t>, round_floats<Float, int16_t>, round_floats<Float, int32_t>               \
    }

extern const ConversionLoops conversion_loops;
const ConversionLoops conversion_loops = {{TO_EACH_INTEGER(float), TO_EACH_INTEGER(double)}};

}  // namespace landbridge::INSTRUCTION_SET
