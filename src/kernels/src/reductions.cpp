#include <algorithm>

#include "binding.hpp"

namespace landbridge {
namespace {

// No argument is converted: of flags in 16 bits, for example, the copy in 8 bits would lose some.
using Numbers = Array<nb::ro, nb::ndim<1>, nb::c_contig>;
using WritableNumbers = Array<nb::ndim<1>, nb::c_contig>;
using Missing = Array<const uint8_t, nb::ndim<1>, nb::c_contig>;
using WritableMissing = Array<uint8_t, nb::ndim<1>, nb::c_contig>;
using Counts = Array<uint32_t, nb::ndim<1>, nb::c_contig>;
using ReadCounts = Array<const uint32_t, nb::ndim<1>, nb::c_contig>;
using Images = Array<nb::ro, nb::ndim<2>, nb::c_contig>;
using MissingOfImages = Array<const uint8_t, nb::ndim<2>, nb::c_contig>;
using Results = Array<double, nb::ndim<1>, nb::c_contig>;

template <class First, class... Others> void require_one_size(const First &first, const Others &...others) {
    const auto check = [&](const auto &other) {
        require(other.shape(0) == first.shape(0), [&] {
            return "Arrays of " + text(int64_t(first.shape(0))) + " and " + text(int64_t(other.shape(0))) +
                   " pixels do not fit.";
        });
        require(is_aligned(other), [] { return "An array is not aligned in memory."; });
    };
    check(first);
    (check(others), ...);
}

void add_to_sums(const Images &values, const MissingOfImages &missing, WritableNumbers sums, Counts counts) {
    require_one_size(sums, counts);
    const int64_t images = int64_t(values.shape(0)), pixels = int64_t(values.shape(1));
    require(pixels == int64_t(sums.size()),
            [&] { return text(pixels) + " pixels have " + text(int64_t(sums.size())) + " sums."; });
    require(values.shape(0) == missing.shape(0) && values.shape(1) == missing.shape(1) && is_aligned(values),
            [] { return "Values and flags have different shapes, or are not aligned in memory."; });
    const int type = number_type_index(values.dtype());
    const ReductionLoops &loop = *loops().reductions;
    const bool is_double = sums.dtype() == nb::dtype<double>();
    const auto add = is_double ? loop.add_to_sums[type] : loop.add_to_integer_sums[type];
    const bool is_signed = values.dtype().code == uint8_t(nb::dlpack::dtype_code::Int);
    if (!add || !(is_double || sums.dtype() == (is_signed ? nb::dtype<int32_t>() : nb::dtype<uint32_t>())))
        throw nb::type_error(
            "Sums must be floats of 64 bits, or of pixels of 8 and 16 bits integers of 32 bits with their sign.");
    void *const to = sums.data();
    nb::gil_scoped_release without_gil;
    add(values.data(), missing.data(), images, pixels, to, counts.data());
}

void count_pixels(const Missing &missing, Counts counts) {
    require_one_size(missing, counts);
    nb::gil_scoped_release without_gil;
    loops().reductions->count_pixels(missing.data(), int64_t(missing.size()), counts.data());
}

void take_means(const Numbers &sums, const ReadCounts &counts, Results means) {
    require_one_size(sums, counts, means);
    const nb::dlpack::dtype types[] = {nb::dtype<double>(), nb::dtype<uint32_t>(), nb::dtype<int32_t>()};
    const int64_t type = std::find(types, types + 3, sums.dtype()) - types;
    if (type == 3) throw nb::type_error("Sums must be floats of 64 bits or integers of 32 bits.");
    nb::gil_scoped_release without_gil;
    loops().reductions->take_means[type](sums.data(), counts.data(), int64_t(sums.size()), means.data());
}

// Return the one number that an array of a type holds.
const void *only_number(const Numbers &number, const nb::dlpack::dtype &type) {
    if (number.dtype() != type) throw nb::type_error("All pixels must have the same type.");
    require(number.size() == 1 && is_aligned(number), [] { return "One number is needed."; });
    return number.data();
}

bool keep_extremes(const Numbers &values, const Missing &missing, bool greatest, const Numbers &best,
                   WritableNumbers extremes, WritableMissing never) {
    require_one_size(values, missing, extremes, never);
    if (extremes.dtype() != values.dtype()) throw nb::type_error("All pixels must have the same type.");
    const void *const utmost = only_number(best, values.dtype());
    const int type = number_type_index(values.dtype());
    const ReductionLoops &loop = *loops().reductions;
    const auto keep = greatest ? loop.keep_greater[type] : loop.keep_smaller[type];
    nb::gil_scoped_release without_gil;
    return keep(values.data(), missing.data(), int64_t(values.size()), utmost, extremes.data(), never.data());
}

void fill_missing(WritableNumbers values, const Missing &missing, const Numbers &filler, Counts counts) {
    require_one_size(values, missing, counts);
    const void *const number = only_number(filler, values.dtype());
    const int type = number_type_index(values.dtype());
    nb::gil_scoped_release without_gil;
    loops().reductions->fill_missing[type](missing.data(), int64_t(values.size()), number, values.data(),
                                           counts.data());
}

void take_medians(const Images &values, const ReadCounts &counts, Results medians) {
    require_one_size(counts, medians);
    const int64_t images = int64_t(values.shape(0)), pixels = int64_t(values.shape(1));
    require(pixels == int64_t(counts.size()),
            [&] { return text(pixels) + " pixels have " + text(int64_t(counts.size())) + " counts."; });
    require(is_aligned(values), [] { return "Values are not aligned in memory."; });
    const uint32_t *const first = counts.data();
    const uint32_t most = pixels ? *std::max_element(first, first + pixels) : 0;
    require(most <= images, [&] { return "A pixel has " + text(most) + " values of " + text(images) + " images."; });
    const int type = number_type_index(values.dtype());
    nb::gil_scoped_release without_gil;
    loops().reductions->take_medians[type](values.data(), images, pixels, first, medians.data());
}

}  // namespace

void bind_reductions(nb::module_ &module) {
    module.def("add_to_sums", &add_to_sums, nb::arg("values").noconvert(), nb::arg("missing").noconvert(),
               nb::arg("sums").noconvert(), nb::arg("counts").noconvert(),
               R"(Add the pixels of images to sums, and 1 to the counts of those that an image has.

Several images at once take less time than one after the other, since the sums are read and written once.

Parameters
----------
values, missing
    Pixels (image, pixel), and flags of 8 bits that are not 0 for those that an image lacks.
sums
    Sums so far: floats of 64 bits; or integers of 32 bits for pixels of 8 and 16, which hold the sum of 65,536 images.
counts
    Number of images that have each pixel, in 32 bits.

Raises
------
TypeError
    If an array has another type, or results cannot be written to.
ValueError
    If lengths differ.

Examples
--------
>>> import numpy as np
>>> sums, counts = np.zeros(3), np.zeros(3, np.uint32)
>>> add_to_sums(np.array([[5, 6, 7], [1, 1, 1]], np.uint8), np.array([[0, 1, 0], [0, 0, 1]], np.uint8), sums, counts)
>>> sums.tolist(), counts.tolist()
([6.0, 1.0, 7.0], [2, 1, 1])
)");
    module.def("take_means", &take_means, nb::arg("sums").noconvert(), nb::arg("counts").noconvert(),
               nb::arg("means").noconvert(),
               "Divide sums by the counts of `add_to_sums`, into floats of 64 bits; 0 for pixels that no image has.");
    module.def("count_pixels", &count_pixels, nb::arg("missing").noconvert(), nb::arg("counts").noconvert(),
               "Add 1 to the counts of pixels that an image has; `missing` are its flags, as in `add_to_sums`.");
    module.def("keep_extremes", &keep_extremes, nb::arg("values").noconvert(), nb::arg("missing").noconvert(),
               nb::arg("greatest"), nb::arg("best").noconvert(), nb::arg("extremes").noconvert(),
               nb::arg("never").noconvert(),
               R"(Keep the smaller of an image's pixels and those so far, or the greater ones.

Parameters
----------
values, missing
    Pixels of the image, and flags of 8 bits that are not 0 for those that it lacks.
greatest
    Keep the greater ones.
best
    An array of the smallest or greatest number of the type.
extremes
    Pixels so far, of the type of `values`.
never
    Flags of 8 bits that become 0 for pixels that the image has.

Returns
-------
bool
    True if all pixels are the best that there is, so that no other image can change them.

Raises
------
TypeError
    If types differ, or results cannot be written to.
ValueError
    If lengths differ.

Examples
--------
>>> import numpy as np
>>> extremes, never = np.array([9, 9], np.uint8), np.ones(2, np.uint8)
>>> image, missing = np.array([3, 0], np.uint8), np.array([0, 1], np.uint8)
>>> keep_extremes(image, missing, False, np.zeros(1, np.uint8), extremes, never)
False
>>> extremes.tolist(), never.tolist()
([3, 9], [0, 1])
)");
    module.def("fill_missing", &fill_missing, nb::arg("values").noconvert(), nb::arg("missing").noconvert(),
               nb::arg("filler").noconvert(), nb::arg("counts").noconvert(),
               "Replace pixels that an image lacks by the number in `filler`, an array of one, and count the others; "
               "see `add_to_sums`.");
    module.def("take_medians", &take_medians, nb::arg("values").noconvert(), nb::arg("counts").noconvert(),
               nb::arg("medians").noconvert(),
               R"(Write the medians of pixels over images; of an even number of values, the mean of the middle two.

Parameters
----------
values
    Pixels (image, pixel). Those that images lack must be the greatest number of the type: see `fill_missing`.
counts
    Number of images that have each pixel, in 32 bits.
medians
    Medians, floats of 64 bits; 0 for pixels that no image has.

Raises
------
TypeError
    If an array has another type, or the medians cannot be written to.
ValueError
    If shapes do not fit, or a pixel has more values than there are images.

Examples
--------
>>> import numpy as np
>>> medians = np.empty(2)
>>> take_medians(np.array([[4, 255], [1, 9], [2, 255]], np.uint8), np.array([3, 1], np.uint32), medians)
>>> medians.tolist()
[2.0, 9.0]
)");
}

}  // namespace landbridge
