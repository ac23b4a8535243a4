// Arrays for the time of a call, in one piece of memory.
#pragma once
#include <cstddef>
#include <cstdint>

#include "loops/loops.hpp"

namespace {

class Scratch {
public:
    // Room for `count` arrays of `bytes` together.
    Scratch(size_t bytes, size_t count)
        : memory_(static_cast<unsigned char *>(landbridge::allocate(bytes + (count + 1) * alignment))), next_(memory_) {}
    ~Scratch() { landbridge::release(memory_); }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;

    template <class T> T *take(int64_t size) {
        const uintptr_t aligned = (reinterpret_cast<uintptr_t>(next_) + alignment - 1) & ~uintptr_t(alignment - 1);
        T *array = reinterpret_cast<T *>(aligned);
        next_ = reinterpret_cast<unsigned char *>(array + size);
        return array;
    }

private:
    static constexpr size_t alignment = 64;
    unsigned char *memory_, *next_;
};

}  // namespace
