// The module, and the choice of the instruction set.
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

// Return the loops that the processor can run, the best first.
std::vector<const Loops *> supported() {
    std::vector<const Loops *> found;
#ifdef HAS_AVX2
    __builtin_cpu_init();
    // Extensions of x86-64-v3 that compilers make use of.
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
        __builtin_cpu_supports("fma"))
        found.push_back(&avx2::loops);
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
}
