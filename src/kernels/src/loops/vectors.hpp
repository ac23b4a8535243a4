// Vectors of whole pixels, by the vector extensions of gcc and clang.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace {

template <size_t Bytes> struct UnsignedOf;
template <> struct UnsignedOf<1> { using type = uint8_t; };
template <> struct UnsignedOf<2> { using type = uint16_t; };
template <> struct UnsignedOf<4> { using type = uint32_t; };
template <> struct UnsignedOf<8> { using type = uint64_t; };
template <class T> using Unsigned = typename UnsignedOf<sizeof(T)>::type;

template <class T> constexpr T smaller(T one, T other) { return other < one ? other : one; }
template <class T> constexpr T larger(T one, T other) { return one < other ? other : one; }

template <class U, int Lanes> struct VectorOf {
    typedef U type __attribute__((vector_size(Lanes * sizeof(U))));
};

// A vector of 16 bytes, or of one pixel if that is longer; `Samples` is a power of 2.
template <class U, int Samples> struct PixelVector {
    static constexpr int lanes = larger<int>(16 / int(sizeof(U)), Samples);
    using Vector = typename VectorOf<U, lanes>::type;
    using Lanes = std::make_integer_sequence<int, lanes>;

    static Vector load(const U *from) {
        Vector vector;
        std::memcpy(&vector, from, sizeof vector);
        return vector;
    }
    static void store(U *to, Vector vector) { std::memcpy(to, &vector, sizeof vector); }

    // Lanes of two vectors: those of the second one are numbered from `lanes` on.
    template <int... Order> static Vector shuffled(Vector one, Vector other) {
#if defined(__clang__) || __GNUC__ >= 12
        return __builtin_shufflevector(one, other, Order...);
#else
        return __builtin_shuffle(one, other, Vector{U(Order)...});
#endif
    }

    // The sums of each pixel and those before it in the vector.
    template <int Distance = Samples> static Vector running_sums(Vector vector) {
        if constexpr (Distance < lanes) {
            vector = vector + moved<Distance>(vector, Lanes{});
            return running_sums<Distance * 2>(vector);
        } else {
            return vector;
        }
    }

    // The last pixel of a vector in all places.
    static Vector last_pixel(Vector vector) { return last_pixel(vector, Lanes{}); }

    // Turn `Samples` vectors of pixels into one vector per sample. Each round rotates the bits of all positions by one.
    static void deinterleave(Vector *vectors) {
        if constexpr (Samples > 1) {
            for (int turns = lanes; turns > 1; turns /= 2) {
                Vector next[Samples];
                for (int n = 0; n < Samples / 2; n++) {
                    next[2 * n] = zipped<0>(vectors[n], vectors[Samples / 2 + n], Lanes{});
                    next[2 * n + 1] = zipped<lanes / 2>(vectors[n], vectors[Samples / 2 + n], Lanes{});
                }
                for (int n = 0; n < Samples; n++) vectors[n] = next[n];
            }
        }
    }

private:
    template <int Distance, int... Lane> static Vector moved(Vector vector, std::integer_sequence<int, Lane...>) {
        return shuffled<(Lane >= Distance ? Lane - Distance : lanes)...>(vector, Vector{});
    }
    template <int... Lane> static Vector last_pixel(Vector vector, std::integer_sequence<int, Lane...>) {
        return shuffled<(lanes - Samples + Lane % Samples)...>(vector, vector);
    }
    template <int First, int... Lane>
    static Vector zipped(Vector one, Vector other, std::integer_sequence<int, Lane...>) {
        return shuffled<(First + Lane / 2 + lanes * (Lane % 2))...>(one, other);
    }
};

}  // namespace
