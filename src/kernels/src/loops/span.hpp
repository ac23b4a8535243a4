// Runs of values that are composited into the still-empty pixels of a row.
#pragma once
#include <cstring>

#include "loops/cells.hpp"
#include "loops/vectors.hpp"

namespace {

// Write valid values to visible pixels that are not valid yet; with `ShowInvalid`, values that are not valid replace
// missing pixels. With `AllVisible`, `is_visible` is not read.
//
// Only whole-number arithmetic: of booleans and conditional stores gcc makes a branch for each pixel, unless it may use
// the masks of AVX-512.
template <bool AllVisible, bool ShowInvalid, class T>
void resolve_mask(const T *__restrict values, const uint8_t *__restrict is_visible, int64_t count,
                  T *__restrict out, uint8_t *__restrict state, T nodata, bool has_nodata) {
    using Bits [[gnu::may_alias]] = Unsigned<T>;
    const Bits *__restrict in_bits = reinterpret_cast<const Bits *>(values);
    Bits *__restrict out_bits = reinterpret_cast<Bits *>(out);
    const Bits any_value = Bits(!has_nodata);
    for (int64_t x = 0; x < count; x++) {
        const T value = values[x];
        const Bits valid = Bits(value == value) & (Bits(value != nodata) | any_value);
        const uint8_t was = state[x], visible = AllVisible ? 1 : uint8_t(is_visible[x] != 0);
        const Bits take = valid & Bits(uint8_t(uint8_t(was != VALID) & visible));
        Bits write = take;
        // 0 if the value is taken, else all ones.
        const uint8_t kept = uint8_t(uint8_t(take) - 1);
        if (ShowInvalid) {
            const uint8_t show = uint8_t((was == MISSING) & visible);
            write |= Bits(show);
            // MISSING + 1 is INVALID.
            state[x] = uint8_t(was + show) & kept;
        } else {
            state[x] = was & kept;
        }
        const Bits mask = Bits(Bits(0) - write);
        out_bits[x] = Bits((in_bits[x] & mask) | (out_bits[x] & Bits(~mask)));
    }
}

// Composite a run; without `is_visible` all its pixels are visible.
template <class T>
void composite_span(const T *values, const uint8_t *is_visible, int64_t count, T *out, uint8_t *state, T nodata,
                    bool has_nodata, bool show_invalid) {
    if (count <= 0) return;
    if (show_invalid)
        is_visible ? resolve_mask<false, true>(values, is_visible, count, out, state, nodata, has_nodata)
                   : resolve_mask<true, true>(values, is_visible, count, out, state, nodata, has_nodata);
    else
        is_visible ? resolve_mask<false, false>(values, is_visible, count, out, state, nodata, has_nodata)
                   : resolve_mask<true, false>(values, is_visible, count, out, state, nodata, has_nodata);
}

// Composite a run into pixels that are not initialised yet and all visible. Return whether all values are valid.
template <class T>
bool composite_blank_span(const T *__restrict values, int64_t count, T *__restrict out, uint8_t *__restrict state,
                          T nodata, bool has_nodata, T fill_value, bool show_invalid) {
    using Bits [[gnu::may_alias]] = Unsigned<T>;
    const Bits *__restrict in_bits = reinterpret_cast<const Bits *>(values);
    Bits *__restrict out_bits = reinterpret_cast<Bits *>(out);
    // Most values are valid: copy, and find out whether all are.
    const Bits nodata_counts = Bits(has_nodata);
    Bits invalid = 0;
    for (int64_t x = 0; x < count; x++) {
        invalid |= Bits(values[x] != values[x]) | (Bits(values[x] == nodata) & nodata_counts);
        out_bits[x] = in_bits[x];
    }
    std::memset(state, VALID, size_t(count));
    if (!invalid) return true;
    const uint8_t missing = show_invalid ? INVALID : MISSING;
    const Bits replaced = show_invalid ? Bits(0) : Bits(~Bits(0));
    Bits fill;
    std::memcpy(&fill, &fill_value, sizeof fill);
    for (int64_t x = 0; x < count; x++) {
        const Bits is_invalid = Bits(values[x] != values[x]) | (Bits(values[x] == nodata) & nodata_counts);
        state[x] = uint8_t(uint8_t(is_invalid) * missing);
        const Bits mask = Bits(Bits(0) - is_invalid) & replaced;
        out_bits[x] = Bits((fill & mask) | (in_bits[x] & Bits(~mask)));
    }
    return false;
}

}  // namespace
