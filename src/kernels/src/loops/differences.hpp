// TIFF's horizontal predictor: each sample is stored as its difference from the previous pixel's.
#pragma once
#include "loops/vectors.hpp"

namespace {

// Undo the differences of `count` pixels of 1, 2 or 4 samples; sums wrap. The results stay pixels, or go to lines, one
// per sample, `width` elements apart.
template <bool ToLines, class U, int Samples>
void sum_pixels(const U *in, U *out, int64_t width, int64_t count) {
    using P = PixelVector<U, Samples>;
    using Vector = typename P::Vector;
    constexpr int at_once = 8;
    constexpr int64_t step = int64_t(P::lanes) * at_once / Samples;
    Vector before{};
    int64_t x = 0;
    for (; x + step <= count; x += step) {
        // Each vector is summed by itself first, so that only one addition depends on the previous vector.
        Vector vectors[at_once];
        for (int n = 0; n < at_once; n++) vectors[n] = P::running_sums(P::load(in + x * Samples + n * P::lanes));
        for (int n = 0; n < at_once; n++) {
            const Vector totals = P::last_pixel(vectors[n]);
            vectors[n] += before;
            before += totals;
        }
        if constexpr (ToLines) {
            for (int n = 0; n < at_once; n += Samples) {
                P::deinterleave(vectors + n);
                for (int k = 0; k < Samples; k++)
                    P::store(out + k * width + x + n / Samples * P::lanes, vectors[n + k]);
            }
        } else {
            for (int n = 0; n < at_once; n++) P::store(out + x * Samples + n * P::lanes, vectors[n]);
        }
    }
    U carry[Samples];
    for (int k = 0; k < Samples; k++) carry[k] = before[k];
    for (; x < count; x++) {
        for (int k = 0; k < Samples; k++) {
            carry[k] = U(carry[k] + in[x * Samples + k]);
            (ToLines ? out[k * width + x] : out[x * Samples + k]) = carry[k];
        }
    }
}

// The same for any number of samples.
template <bool ToLines, class U>
void sum_samples(const U *in, U *out, int64_t width, int64_t count, int64_t samples) {
    for (int64_t k = 0; k < samples; k++) {
        U carry = 0;
        for (int64_t x = 0; x < count; x++) {
            carry = U(carry + in[x * samples + k]);
            (ToLines ? out[k * width + x] : out[x * samples + k]) = carry;
        }
    }
}

template <bool ToLines, class U>
void undo_row_differences(const U *in, U *out, int64_t width, int64_t count, int64_t samples) {
    if (samples == 1)
        sum_pixels<ToLines, U, 1>(in, out, width, count);
    else if (samples == 2)
        sum_pixels<ToLines, U, 2>(in, out, width, count);
    else if (samples == 4)
        sum_pixels<ToLines, U, 4>(in, out, width, count);
    else
        sum_samples<ToLines, U>(in, out, width, count, samples);
}

}  // namespace
