#include "binding.hpp"

namespace landbridge {
namespace {

constexpr int64_t kernels = 4;

using Floats = Array<nb::ro, nb::ndim<3>, nb::c_contig>;
using Flags = Array<const uint8_t, nb::ndim<3>, nb::c_contig>;
using OutFloats = Array<nb::ndim<3>, nb::c_contig>;
using OutFlags = Array<uint8_t, nb::ndim<3>, nb::c_contig>;

template <class One, class Other> bool same_shape(const One &one, size_t one_axis, const Other &other) {
    return one.shape(one_axis) == other.shape(0) && one.shape(one_axis + 1) == other.shape(1);
}

void interpolate_locally(const Floats &values, const Flags &valid, const Doubles &rows, const Doubles &columns,
                         const Doubles &row_scales, const Doubles &column_scales, int kernel, OutFloats out,
                         OutFlags out_valid) {
    const int type = pixel_type_index(values.dtype()) - 4;
    if (type < 0 || out.dtype() != values.dtype()) throw nb::type_error("Values must be floats of 32 or 64 bits.");
    require(0 <= kernel && kernel < kernels, [&] { return "Kernel " + text(kernel) + " does not exist."; });
    for (size_t axis = 0; axis < 3; axis++)
        require(valid.shape(axis) == values.shape(axis) && out_valid.shape(axis) == out.shape(axis),
                [] { return "Values and flags have different shapes."; });
    require(out.shape(0) == values.shape(0) && same_shape(out, 1, rows) && same_shape(out, 1, columns) &&
                same_shape(out, 1, row_scales) && same_shape(out, 1, column_scales),
            [] { return "Points, scales and results have different shapes."; });
    require(is_aligned(values) && is_aligned(out), [] { return "Values are not aligned in memory."; });
    const LocalSource source{values.data(), valid.data(), int64_t(values.shape(0)), int64_t(values.shape(1)),
                             int64_t(values.shape(2))};
    const LocalPoints points{rows.data(), columns.data(), row_scales.data(), column_scales.data(),
                             int64_t(rows.size())};
    nb::gil_scoped_release without_gil;
    loops().local_scales->interpolate[type](source, points, kernel, out.data(), out_valid.data());
}

}  // namespace

void bind_local_scales(nb::module_ &module) {
    module.def("interpolate_locally", &interpolate_locally, nb::arg("values"), nb::arg("valid").noconvert(),
               nb::arg("rows"), nb::arg("columns"), nb::arg("row_scales"), nb::arg("column_scales"), nb::arg("kernel"),
               nb::arg("out").noconvert(), nb::arg("out_valid").noconvert(),
               R"(Interpolate pixels at points of a source, with a scale per point.

Each pixel is the weighted mean of the valid source pixels under the kernel. If a pixel is missing, a cubic kernel is
replaced by a bilinear one, as in GDAL. Pixels without valid source pixels are not written.

Parameters
----------
values, valid
    Pixels (band, y, x) of the source, floats, and flags of 8 bits of those that are valid.
rows, columns
    Source coordinates (y, x) of the points.
row_scales, column_scales
    Number of source pixels per pixel at each point.
kernel
    0: bilinear, 1: cubic, 2: cubic spline, 3: Lanczos.
out, out_valid
    Pixels (band, y, x) and their validity, to be written.

Raises
------
TypeError
    If an array has another type, or results cannot be written to.
ValueError
    If shapes do not fit.
)");
}

}  // namespace landbridge
