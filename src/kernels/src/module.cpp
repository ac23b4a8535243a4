// The module, and the choice of the instruction set.
#ifdef HAS_AVX2
#include <cpuid.h>
#endif

#include <atomic>

#include "binding.hpp"

namespace landbridge {

namespace baseline {
extern const Loops loops;
}
#ifdef HAS_AVX2
namespace avx2 {
extern const Loops loops;
}
#endif

namespace {

std::atomic<const Loops *> used{&baseline::loops};

#ifdef HAS_AVX2
// Return whether the processor and the operating system support AVX2, BMI, BMI2 and FMA, which compilers use together.
// Not by `__builtin_cpu_supports`, which is always false in a module that zig links.
bool supports_avx2() {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
    constexpr unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28;
    if ((c & (fma | osxsave | avx)) != (fma | osxsave | avx)) return false;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    constexpr unsigned saved_registers = 0b110;  // SSE and AVX
    if ((low & saved_registers) != saved_registers) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    constexpr unsigned bmi = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8;
    return (b & (bmi | avx2 | bmi2)) == (bmi | avx2 | bmi2);
}
#endif

// Return the loops that the processor can run, the best first.
std::vector<const Loops *> supported() {
    std::vector<const Loops *> found;
#ifdef HAS_AVX2
    if (supports_avx2()) found.push_back(&avx2::loops);
#endif
    found.push_back(&baseline::loops);
    return found;
}

std::vector<std::string> instruction_sets() {
    std::vector<std::string> names;
    for (const Loops *each : supported()) names.emplace_back(each->name);
    return names;
}

void use_instruction_set(const std::string &name) {
    std::string names;
    for (const Loops *each : supported()) {
        if (name == each->name) {
            used.store(each, std::memory_order_relaxed);
            return;
        }
        names += (names.empty() ? "" : ", ") + std::string(each->name);
    }
    throw nb::value_error(
        ("Instruction set '" + name + "' does not exist or is not supported by this processor; choose one of: " + names)
            .c_str());
}

}  // namespace

const Loops &loops() { return *used.load(std::memory_order_relaxed); }

}  // namespace landbridge

NB_MODULE(_native, module) {
    using namespace landbridge;
    // Objects may live until the end of the process, for example in a traceback.
    nb::set_leak_warnings(false);
    module.def("instruction_sets", &instruction_sets,
               "Return the instruction sets that this processor supports, the best first.");
    module.def("use_instruction_set", &use_instruction_set, nb::arg("name"),
               "Use an instruction set from now on. Raise ValueError if this processor does not support it.");
    bind_decode(module);
    bind_predictor(module);
    bind_canvas(module);
    bind_layer(module);
    bind_compositing(module);
    bind_local_scales(module);
    bind_reductions(module);
    bind_conversion(module);
}
