// Interpolation with a scale per pixel, for strongly curved grids.
#include <cmath>

#include "loops/instruction_set.hpp"
#include "loops/loops.hpp"
#include "loops/scratch.hpp"
#include "loops/vectors.hpp"

namespace landbridge::INSTRUCTION_SET {
namespace {

constexpr double pi = 3.14159265358979323846;
enum Kernel { BILINEAR = 0, CUBIC = 1, CUBIC_SPLINE = 2, LANCZOS = 3 };
// Radius of each kernel in pixels.
constexpr double radii[] = {1.0, 2.0, 2.0, 3.0};

// Return a kernel's weight at a distance from its center.
double kernel_weight(int kernel, double t) {
    switch (kernel) {
        case BILINEAR:
            return larger(0.0, 1.0 - t);
        case CUBIC:
            if (t < 1.0) return (1.5 * t - 2.5) * t * t + 1.0;
            return t < 2.0 ? ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0 : 0.0;
        case CUBIC_SPLINE:
            if (t < 1.0) return (0.5 * t - 1.0) * t * t + 2.0 / 3.0;
            return t < 2.0 ? (2.0 - t) * (2.0 - t) * (2.0 - t) / 6.0 : 0.0;
        default:
            if (t < 1e-9) return 1.0;
            if (t >= 3.0) return 0.0;
            return 3.0 * std::sin(pi * t) * std::sin(pi * t / 3.0) / ((pi * t) * (pi * t));
    }
}

// Source pixels under a kernel along one axis; those at the end of the kernel have the weight 0.
struct Span {
    int64_t first, last;
    bool is_clipped;

    Span(double center, double reach, int64_t size) {
        // Clamped before the conversion, which is undefined for numbers that do not fit.
        const double low = std::floor(center - reach) + 1.0, high = std::ceil(center + reach) - 1.0;
        is_clipped = low < 0.0 || high >= double(size);
        first = int64_t(larger(0.0, low));
        last = int64_t(smaller(double(size) - 1.0, high));
    }
};

void write_weights(double *weights, const Span &span, double center, double scale, int kernel) {
    for (int64_t n = span.first; n <= span.last; n++)
        weights[n - span.first] = kernel_weight(kernel, std::fabs(double(n) - center) / scale);
}

struct Sum {
    double values = 0.0, weights = 0.0;
    bool is_missing = false;
};

template <class T>
Sum sum_pixels(const T *values, const uint8_t *valid, int64_t width, const Span &rows, const Span &columns,
               const double *row_weights, const double *column_weights) {
    Sum sum;
    for (int64_t i = rows.first; i <= rows.last; i++) {
        for (int64_t j = columns.first; j <= columns.last; j++) {
            if (valid[i * width + j]) {
                const double weight = row_weights[i - rows.first] * column_weights[j - columns.first];
                sum.weights += weight;
                sum.values += weight * double(values[i * width + j]);
            } else {
                sum.is_missing = true;
            }
        }
    }
    return sum;
}

template <class T>
void interpolate(const LocalSource &source, const LocalPoints &points, int kernel, void *out, uint8_t *out_valid) {
    Scratch scratch(size_t(source.height + source.width) * sizeof(double), 2);
    double *row_weights = scratch.take<double>(source.height), *column_weights = scratch.take<double>(source.width);
    const int64_t pixels = source.height * source.width;
    for (int64_t n = 0; n < points.count; n++) {
        const double row = points.rows[n] - 0.5, column = points.columns[n] - 0.5;
        // The comparison is also false for NaN.
        if (!(-1.0 < row && row < double(source.height) && -1.0 < column && column < double(source.width))) continue;
        const double row_scale = larger(1.0, points.row_scales[n]);
        const double column_scale = larger(1.0, points.column_scales[n]);
        for (int64_t band = 0; band < source.bands; band++) {
            const T *values = static_cast<const T *>(source.values) + band * pixels;
            const uint8_t *valid = source.valid + band * pixels;
            const auto sum_with = [&](int used) {
                const Span rows(row, radii[used] * row_scale, source.height);
                const Span columns(column, radii[used] * column_scale, source.width);
                write_weights(row_weights, rows, row, row_scale, used);
                write_weights(column_weights, columns, column, column_scale, used);
                Sum sum = sum_pixels(values, valid, source.width, rows, columns, row_weights, column_weights);
                sum.is_missing |= rows.is_clipped | columns.is_clipped;
                return sum;
            };
            Sum sum = sum_with(kernel);
            // As in GDAL, the bilinear kernel replaces a cubic one if a pixel is missing.
            if (kernel == CUBIC && sum.is_missing) sum = sum_with(BILINEAR);
            if (sum.weights > 1e-6) {
                static_cast<T *>(out)[band * points.count + n] = T(sum.values / sum.weights);
                out_valid[band * points.count + n] = 1;
            }
        }
    }
}

}  // namespace

extern const LocalScaleLoops local_scale_loops;
const LocalScaleLoops local_scale_loops = {{interpolate<float>, interpolate<double>}};

}  // namespace landbridge::INSTRUCTION_SET
