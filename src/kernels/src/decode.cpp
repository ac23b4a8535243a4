// Tiles of TIFF files: decompressed into an array, in the byte order of this machine, without their predictor.
#include <libdeflate.h>
#include <zstd.h>

#include <cstring>
#include <memory>

#include "binding.hpp"
#include "decode_lzw.hpp"

namespace landbridge {
namespace {

// TIFF's numbers.
enum Compression { UNCOMPRESSED = 1, LZW = 5, DEFLATE = 8, OLD_DEFLATE = 32946, ZSTD = 50000 };
enum Predictor { NO_PREDICTOR = 1, HORIZONTAL = 2, FLOATING = 3 };

// Decoders are large, so each thread keeps one.
struct FreeDecoders {
    void operator()(libdeflate_decompressor *decoder) const { libdeflate_free_decompressor(decoder); }
    void operator()(ZSTD_DCtx *decoder) const { ZSTD_freeDCtx(decoder); }
};
template <class Decoder> using Owned = std::unique_ptr<Decoder, FreeDecoders>;

constexpr const char *no_memory = "there is no memory for a decoder";

const char *decode_deflate(const uint8_t *data, size_t size, uint8_t *out, size_t length) {
    thread_local Owned<libdeflate_decompressor> decoder;
    if (!decoder) decoder.reset(libdeflate_alloc_decompressor());
    if (!decoder) return no_memory;
    // Without a place for the number of bytes, fewer than `length` are an error too.
    switch (libdeflate_zlib_decompress(decoder.get(), data, size, out, length, nullptr)) {
        case LIBDEFLATE_SUCCESS: return nullptr;
        case LIBDEFLATE_SHORT_OUTPUT: return "deflated data hold less than a tile";
        case LIBDEFLATE_INSUFFICIENT_SPACE: return "deflated data hold more than a tile";
        default: return "deflated data are damaged or end too early";
    }
}

const char *decode_zstd(const uint8_t *data, size_t size, uint8_t *out, size_t length) {
    thread_local Owned<ZSTD_DCtx> decoder;
    if (!decoder) decoder.reset(ZSTD_createDCtx());
    if (!decoder) return no_memory;
    const size_t found = ZSTD_decompressDCtx(decoder.get(), out, length, data, size);
    // The names of errors are constants.
    if (ZSTD_isError(found)) return ZSTD_getErrorName(found);
    return found == length ? nullptr : "zstd data hold less than a tile";
}

const char *copy_stored(const uint8_t *data, size_t size, uint8_t *out, size_t length) {
    if (size < length) return "the data are shorter than a tile";
    std::memcpy(out, data, length);
    return nullptr;
}

using Decode = const char *(*)(const uint8_t *data, size_t size, uint8_t *out, size_t length);

Decode decoder_of(int compression) {
    switch (compression) {
        case UNCOMPRESSED: return copy_stored;
        case LZW: return decode_lzw;
        case DEFLATE:
        case OLD_DEFLATE: return decode_deflate;
        case ZSTD: return decode_zstd;
        default: return nullptr;
    }
}

inline uint16_t reversed(uint16_t value) { return __builtin_bswap16(value); }
inline uint32_t reversed(uint32_t value) { return __builtin_bswap32(value); }
inline uint64_t reversed(uint64_t value) { return __builtin_bswap64(value); }

template <class U> void swap_bytes(uint8_t *pixels, size_t count) {
    U *values = reinterpret_cast<U *>(pixels);
    for (size_t n = 0; n < count; n++) values[n] = reversed(values[n]);
}

void swap_bytes(uint8_t *pixels, size_t length, size_t itemsize) {
    if (itemsize == 2) swap_bytes<uint16_t>(pixels, length / 2);
    if (itemsize == 4) swap_bytes<uint32_t>(pixels, length / 4);
    if (itemsize == 8) swap_bytes<uint64_t>(pixels, length / 8);
}

// Join the bytes of the values of a row, which lie in planes, the most significant byte first.
template <class U> void join_planes(const uint8_t *planes, uint8_t *row, size_t count) {
    U *values = reinterpret_cast<U *>(row);
    for (size_t x = 0; x < count; x++) {
        U value = 0;
        for (size_t byte = 0; byte < sizeof(U); byte++) value = U(value << 8 | planes[byte * count + x]);
        values[x] = value;
    }
}

// Undo the floating point predictor. The bytes of a row's values lie in planes, as differences from the previous
// pixel; the result has the byte order of this machine, whatever the file has.
void undo_floating(uint8_t *pixels, size_t height, size_t count, size_t samples, size_t itemsize) {
    const size_t bytes = count * itemsize;
    const std::unique_ptr<uint8_t[]> planes(new uint8_t[bytes]);
    for (size_t y = 0; y < height; y++) {
        uint8_t *row = pixels + y * bytes;
        loops().predictor->undo_differences[0](row, 0, 1, int64_t(bytes / samples), int64_t(samples));
        std::memcpy(planes.get(), row, bytes);
        if (itemsize == 4)
            join_planes<uint32_t>(planes.get(), row, count);
        else
            join_planes<uint64_t>(planes.get(), row, count);
    }
}

int size_index(size_t itemsize) { return itemsize == 1 ? 0 : itemsize == 2 ? 1 : itemsize == 4 ? 2 : 3; }

using Encoded = nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

void decode_tile(Encoded data, WritableTile tile, int compression, int predictor, bool swapped) {
    const size_t itemsize = tile.dtype().bits / 8, height = tile.shape(0), samples = tile.shape(2);
    const size_t count = tile.shape(1) * samples, length = height * count * itemsize;
    const bool is_simple = tile.dtype().lanes == 1 && (itemsize == 1 || itemsize == 2 || itemsize == 4 || itemsize == 8);
    if (!is_simple) throw nb::type_error("Tiles have values of 1, 2, 4 or 8 bytes.");
    const Decode decode = decoder_of(compression);
    require(decode != nullptr, [&] { return "Compression " + std::to_string(compression) + " is not supported."; });
    require(predictor == NO_PREDICTOR || predictor == HORIZONTAL || (predictor == FLOATING && itemsize >= 4), [&] {
        return "Predictor " + std::to_string(predictor) + " is not supported for values of " +
               std::to_string(itemsize) + " bytes.";
    });
    if (length == 0) return;
    uint8_t *const pixels = static_cast<uint8_t *>(tile.data());
    const uint8_t *const encoded = data.data();
    const size_t size = data.size();
    const char *error;
    {
        nb::gil_scoped_release without_gil;
        error = decode(encoded, size, pixels, length);
        if (!error && predictor == FLOATING) {
            undo_floating(pixels, height, count, samples, itemsize);
        } else if (!error) {
            if (swapped) swap_bytes(pixels, length, itemsize);
            if (predictor == HORIZONTAL)
                loops().predictor->undo_differences[size_index(itemsize)](pixels, 0, int64_t(height),
                                                                          int64_t(tile.shape(1)), int64_t(samples));
        }
    }
    require(!error, [&] { return "Cannot decode a tile of " + std::to_string(size) + " bytes: " + error + "."; });
}

}  // namespace

void bind_decode(nb::module_ &module) {
    module.def("decode_tile", &decode_tile, nb::arg("data"), nb::arg("tile").noconvert(), nb::arg("compression"),
               nb::arg("predictor") = int(NO_PREDICTOR), nb::arg("swapped") = false,
               R"(Decode a tile of a TIFF file into an array.

Parameters
----------
data
    Bytes of the tile as they are stored: a one-dimensional array of uint8.
tile
    C-contiguous array (y, x, sample) that the pixels are written to.
compression
    TIFF's number of the compression: 1 none, 5 LZW, 8 or 32946 deflate, 50000 zstd.
predictor
    TIFF's number of the predictor that is undone: 1 none, 2 horizontal, 3 floating point. With 1, the differences of
    a horizontal predictor are left in the tile, for `undo_differences`.
swapped
    True if the values have the other byte order than this machine.

Raises
------
TypeError
    If the tile is not C-contiguous or cannot be written to.
ValueError
    If the data are damaged, hold more or less than a tile, or need another decoder. The tile's values are then
    undefined.

Examples
--------
>>> import numpy as np
>>> import zlib
>>> data = np.frombuffer(zlib.compress(bytes([1, 2, 3])), np.uint8)
>>> tile = np.empty((1, 3, 1), np.uint8)
>>> decode_tile(data, tile, compression=8, predictor=2)
>>> tile.ravel()
array([1, 3, 6], dtype=uint8)
)");
}

}  // namespace landbridge
