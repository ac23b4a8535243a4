#include "binding.hpp"

namespace landbridge {
namespace {

void round_floats(const Array<nb::ro, nb::ndim<1>, nb::c_contig> &values, Array<nb::ndim<1>, nb::c_contig> out,
                  bool halves_up) {
    const int from = number_type_index(values.dtype()) - (number_types - 2), to = number_type_index(out.dtype());
    const auto round = from < 0 ? nullptr : loops().conversion->round_floats[from][to];
    if (!round) throw nb::type_error("Floats of 32 or 64 bits are rounded to integers of 8 to 32 bits.");
    require(values.size() == out.size(), [&] {
        return text(int64_t(values.size())) + " values do not fit into " + text(int64_t(out.size())) + ".";
    });
    require(is_aligned(values) && is_aligned(out), [] { return "An array is not aligned in memory."; });
    nb::gil_scoped_release without_gil;
    round(values.data(), int64_t(values.size()), halves_up, out.data());
}

}  // namespace

void bind_conversion(nb::module_ &module) {
    module.def("round_floats", &round_floats, nb::arg("values").noconvert(), nb::arg("out").noconvert(),
               nb::arg("halves_up") = false,
               R"(Write the nearest integers to floats, clipped to the range of their type; NaN becomes 0.

Parameters
----------
values
    Floats of 32 or 64 bits.
out
    As many integers of 8 to 32 bits.
halves_up
    Round halves to the greater integer, instead of the even one.

Raises
------
TypeError
    If an array has another type, or the integers cannot be written to.
ValueError
    If lengths differ.

Examples
--------
>>> import numpy as np
>>> integers = np.empty(4, np.uint8)
>>> round_floats(np.array([2.5, np.nan, -1, 300]), integers)
>>> integers.tolist()
[2, 0, 0, 255]
)");
}

}  // namespace landbridge
