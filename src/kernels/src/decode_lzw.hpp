// TIFF's variant of LZW.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace landbridge {

// Decode LZW codes until `out` is full. Return nullptr, or what is wrong.
//
// A string of the table is the string of an earlier code and one more byte, and both lie next to each other in the
// output. So an entry is a place in the output and a length, and a string is copied from there.
inline const char *decode_lzw(const uint8_t *data, size_t size, uint8_t *out, size_t length) {
    constexpr uint32_t clear = 256, end = 257, first = 258, most = 4096;
    constexpr size_t chunk = 16;
    struct Entry {
        size_t start;
        uint32_t length;
    };
    // Codes below 258 have no entry.
    Entry table[most];
    if (size >= 2 && data[0] == 0 && (data[1] & 1)) return "LZW codes are in the old order of bits";

    uint64_t bits = 0;
    uint32_t available = 0, width = 9, next = first;
    size_t in = 0, at = 0;
    // Place and length of the string before; there is none after a clear code.
    Entry before{0, 0};
    bool is_started = false;
    while (at < length) {
        while (available < width) {
            if (in == size) return "LZW codes end too early";
            bits = bits << 8 | data[in++];
            available += 8;
        }
        available -= width;
        const uint32_t code = uint32_t(bits >> available) & ((1u << width) - 1);
        if (code == clear) {
            width = 9;
            next = first;
            before.length = 0;
            is_started = true;
            continue;
        }
        if (code == end) return "LZW codes end too early";
        if (!is_started) return "LZW codes do not begin with a clear code";
        if (before.length) {
            // The string before and the first byte of this one, which is written below.
            if (next < most) table[next++] = {before.start, before.length + 1};
            if (next >= (1u << width) - 1 && width < 12) width++;
        }
        if (code < clear) {
            before = {at, 1};
            out[at++] = uint8_t(code);
            continue;
        }
        if (code >= next) return "an LZW code is not in the table";
        const Entry entry = table[code];
        if (entry.length > length - at) return "LZW codes hold more than a tile";
        before = {at, entry.length};
        const uint8_t *from = out + entry.start;
        uint8_t *to = out + at;
        at += entry.length;
        if (entry.length <= chunk && to - from >= ptrdiff_t(chunk) && length - before.start >= chunk) {
            std::memcpy(to, from, chunk);
        } else if (to - from >= ptrdiff_t(entry.length)) {
            std::memcpy(to, from, entry.length);
        } else {
            // The string contains its own first byte as its last one.
            for (uint32_t n = 0; n < entry.length; n++) to[n] = from[n];
        }
    }
    return nullptr;
}

}  // namespace landbridge
