#include <cstdlib>
#include <new>

#include "loops/loops.hpp"

namespace landbridge {

void *allocate(size_t bytes) {
    void *memory = std::malloc(bytes);
    if (!memory) throw std::bad_alloc();
    return memory;
}

void release(void *memory) { std::free(memory); }

}  // namespace landbridge
