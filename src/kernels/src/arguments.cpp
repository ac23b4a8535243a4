#include "binding.hpp"

namespace landbridge {
namespace {

using Code = nb::dlpack::dtype_code;

bool is_of(const nb::dlpack::dtype &type, Code code) { return type.code == uint8_t(code); }

}  // namespace

int size_index(const nb::dlpack::dtype &type) {
    if (type.lanes != 1) return -1;
    switch (type.bits) {
        case 8: return 0;
        case 16: return 1;
        case 32: return 2;
        case 64: return 3;
        default: return -1;
    }
}

int pixel_type_index(const nb::dlpack::dtype &type) {
    const int size = size_index(type);
    if (size >= 0 && (is_of(type, Code::UInt) || is_of(type, Code::Int))) return size;
    if (size >= 2 && is_of(type, Code::Float)) return size + 2;
    throw nb::type_error("Pixels must be integers of 8 to 64 bits or floats of 32 or 64 bits.");
}

int number_type_index(const nb::dlpack::dtype &type) {
    // The four signed integers lie between the unsigned ones and the floats.
    return pixel_type_index(type) + (is_of(type, Code::UInt) ? 0 : 4);
}

}  // namespace landbridge
