// Reductions of many images to one: sums, extremes, counts and medians of each pixel.
#include <cstring>

#include "loops/instruction_set.hpp"
#include "loops/loops.hpp"
#include "loops/scratch.hpp"
#include "loops/vectors.hpp"

namespace landbridge::INSTRUCTION_SET {
namespace {

// Arrays of different element sizes are passed in loops of their own, which compilers turn into vectors, over as many
// pixels as stay in the processor's first cache.
constexpr int64_t pass_pixels = 1024;

void count_pixels(const uint8_t *__restrict missing, int64_t count, uint32_t *__restrict counts) {
    for (int64_t n = 0; n < count; n++) counts[n] += missing[n] == 0;
}

template <class T>
void fill_pass(const uint8_t *__restrict missing, int64_t count, T filler, T *__restrict values) {
    for (int64_t n = 0; n < count; n++) values[n] = missing[n] ? filler : values[n];
}

template <class T, class Sum>
void add_pass(const T *__restrict values, const uint8_t *__restrict missing, int64_t count, Sum *__restrict sums) {
    // Zero leaves a sum as it is: no sum is -0. Integers with a sign wrap to the right sum.
    T added[pass_pixels];
    std::memcpy(added, values, size_t(count) * sizeof(T));
    fill_pass(missing, count, T(0), added);
    for (int64_t n = 0; n < count; n++) sums[n] += Sum(added[n]);
}

template <class T, class Sum>
void add_to_sums(const void *values, const uint8_t *missing, int64_t images, int64_t count, void *sums,
                 uint32_t *counts) {
    for (int64_t start = 0; start < count; start += pass_pixels) {
        const int64_t length = smaller(pass_pixels, count - start);
        // The sums of a pass stay in the cache for all images.
        for (int64_t at = start; at < images * count; at += count) {
            add_pass(static_cast<const T *>(values) + at, missing + at, length, static_cast<Sum *>(sums) + start);
            count_pixels(missing + at, length, counts + start);
        }
    }
}

template <class Sum> void take_means(const void *sums, const uint32_t *counts, int64_t count, double *means) {
    const Sum *__restrict totals = static_cast<const Sum *>(sums);
    // A sum of no pixels is 0.
    for (int64_t n = 0; n < count; n++) means[n] = double(totals[n]) / double(int32_t(larger(counts[n], 1u)));
}

template <class T, bool Greatest>
bool keep_pass(const T *__restrict values, const uint8_t *__restrict missing, int64_t count, T best,
               T *__restrict extremes) {
    int64_t open = 0;
    for (int64_t n = 0; n < count; n++) {
        const T one = extremes[n], other = values[n];
        const T kept = Greatest ? larger(one, other) : smaller(one, other);
        extremes[n] = missing[n] ? one : kept;
        open += extremes[n] != best;
    }
    return open == 0;
}

template <class T, bool Greatest>
bool keep_extremes(const void *values, const uint8_t *missing, int64_t count, const void *best, void *extremes,
                   uint8_t *never) {
    const T utmost = *static_cast<const T *>(best);
    bool is_done = true;
    for (int64_t start = 0; start < count; start += pass_pixels) {
        const int64_t length = smaller(pass_pixels, count - start);
        is_done &= keep_pass<T, Greatest>(static_cast<const T *>(values) + start, missing + start, length, utmost,
                                          static_cast<T *>(extremes) + start);
        for (int64_t n = start; n < start + length; n++) never[n] &= missing[n] != 0;
    }
    return is_done;
}

template <class T>
void fill_missing(const uint8_t *missing, int64_t count, const void *filler, void *values, uint32_t *counts) {
    const T number = *static_cast<const T *>(filler);
    for (int64_t start = 0; start < count; start += pass_pixels) {
        const int64_t length = smaller(pass_pixels, count - start);
        fill_pass(missing + start, length, number, static_cast<T *>(values) + start);
        count_pixels(missing + start, length, counts + start);
    }
}

// Number of pixels that are sorted at a time: each comparison is one of vectors, and few images fit into the
// processor's first cache.
constexpr int64_t sorted_pixels = 64;

template <class T> void compare(T *__restrict low, T *__restrict high) {
    for (int64_t n = 0; n < sorted_pixels; n++) {
        const T one = low[n], other = high[n];
        low[n] = smaller(one, other);
        high[n] = larger(one, other);
    }
}

// Sort rows (image, pixel) along the images by Batcher's odd-even merge sort.
template <class T> void sort_images(T *rows, int64_t images) {
    for (int64_t block = 1; block < images; block *= 2)
        for (int64_t step = block; step > 0; step /= 2)
            for (int64_t first = step % block; first < images - step; first += 2 * step)
                for (int64_t low = first; low < smaller(first + step, images - step); low++)
                    if (low / (2 * block) == (low + step) / (2 * block))
                        compare(rows + low * sorted_pixels, rows + (low + step) * sorted_pixels);
}

template <class T>
void take_medians(const void *pixels, int64_t images, int64_t count, const uint32_t *counts, double *medians) {
    Scratch scratch(size_t(images * sorted_pixels) * sizeof(T), 1);
    T *rows = scratch.take<T>(images * sorted_pixels);
    for (int64_t start = 0; start < count; start += sorted_pixels) {
        const int64_t width = smaller(sorted_pixels, count - start);
        for (int64_t image = 0; image < images; image++) {
            T *row = rows + image * sorted_pixels;
            std::memcpy(row, static_cast<const T *>(pixels) + image * count + start, size_t(width) * sizeof(T));
            // What is compared beyond the last pixel is not used, but must be initialised.
            for (int64_t n = width; n < sorted_pixels; n++) row[n] = T(0);
        }
        sort_images(rows, images);
        for (int64_t n = 0; n < width; n++) {
            const int64_t valid = counts[start + n];
            const auto at = [&](int64_t image) { return double(rows[image * sorted_pixels + n]); };
            medians[start + n] = valid ? (at((valid - 1) / 2) + at(valid / 2)) / 2 : 0.0;
        }
    }
}

}  // namespace

#define EACH_NUMBER_TYPE(loop, ...)                                                                                  \
    {                                                                                                                \
        loop<uint8_t __VA_ARGS__>, loop<uint16_t __VA_ARGS__>, loop<uint32_t __VA_ARGS__>, loop<uint64_t __VA_ARGS__>, \
            loop<int8_t __VA_ARGS__>, loop<int16_t __VA_ARGS__>, loop<int32_t __VA_ARGS__>, loop<int64_t __VA_ARGS__>, \
            loop<float __VA_ARGS__>, loop<double __VA_ARGS__>                                                        \
    }

extern const ReductionLoops reduction_loops;
const ReductionLoops reduction_loops = {
    EACH_NUMBER_TYPE(add_to_sums, , double),
    {add_to_sums<uint8_t, uint32_t>, add_to_sums<uint16_t, uint32_t>, nullptr, nullptr, add_to_sums<int8_t, uint32_t>,
     add_to_sums<int16_t, uint32_t>},
    count_pixels,
    EACH_NUMBER_TYPE(keep_extremes, , false),
    EACH_NUMBER_TYPE(keep_extremes, , true),
    EACH_NUMBER_TYPE(fill_missing),
    {take_means<double>, take_means<uint32_t>, take_means<int32_t>},
    EACH_NUMBER_TYPE(take_medians),
};

}  // namespace landbridge::INSTRUCTION_SET
