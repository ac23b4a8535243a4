#include <algorithm>
#include <cstring>

#include "binding.hpp"

namespace landbridge {
namespace {

std::string shape_text(int64_t rows, int64_t columns) { return text(rows) + " x " + text(columns); }

}  // namespace

CanvasObject::CanvasObject(Pixels values, States state, std::optional<PixelValues> fill_values, bool initialised)
    : values_(std::move(values)), state_(std::move(state)), canvas_() {
    const int64_t bands = int64_t(values_.shape(0)), height = int64_t(values_.shape(1)),
                  width = int64_t(values_.shape(2));
    if (size_index(values_.dtype()) < 0) throw nb::type_error("Values must have elements of 1, 2, 4 or 8 bytes.");
    for (int axis = 0; axis < 3; axis++)
        require(state_.shape(size_t(axis)) == values_.shape(size_t(axis)),
                [] { return "Values and states have different shapes."; });
    require(width <= 1 || (values_.stride(2) == 1 && state_.stride(2) == 1),
            [] { return "Rows of values and states must be contiguous."; });
    require(is_aligned(values_), [] { return "Values are not aligned in memory."; });

    // An element of 8 bytes for each band is enough for all types.
    fill_values_.resize(size_t(bands) + 1);
    if (fill_values) {
        if (fill_values->dtype() != values_.dtype()) throw nb::type_error("Fill values must have the values' type.");
        require(int64_t(fill_values->shape(0)) == bands, [&] {
            return text(int64_t(fill_values->shape(0))) + " fill values were given for " + text(bands) + " bands.";
        });
        if (bands) std::memcpy(fill_values_.data(), fill_values->data(), fill_values->nbytes());
    }

    const int64_t cell_rows = (height + cell_size - 1) / cell_size, cell_columns = (width + cell_size - 1) / cell_size;
    for (int64_t band = 0; band < bands; band++) {
        for (int64_t y = 0; y < cell_rows; y++) {
            const int64_t bottom = std::min(height, (y + 1) * cell_size);
            for (int64_t x = 0; x < cell_columns; x++) {
                remaining_.push_back((bottom - y * cell_size) * (std::min(width, (x + 1) * cell_size) - x * cell_size));
                initialised_rows_.push_back(initialised ? bottom : y * cell_size);
            }
        }
    }
    canvas_ = {values_.data(),
               state_.data(),
               bands,
               height,
               width,
               values_.stride(0),
               values_.stride(1),
               state_.stride(0),
               state_.stride(1),
               remaining_.data(),
               initialised_rows_.data(),
               cell_rows,
               cell_columns,
               fill_values_.data()};
    if (initialised && bands && height && width) {
        std::vector<int64_t> all;
        for (int64_t band = 0; band < bands; band++) all.push_back(band);
        update_remaining(all, {0, height, 0, width});
    }
}

nb::tuple CanvasObject::shape() const { return nb::make_tuple(canvas_.bands, canvas_.height, canvas_.width); }

CanvasObject::Cells CanvasObject::cells(const std::vector<int64_t> &counts) const {
    return Cells(counts.data(), {size_t(canvas_.bands), size_t(canvas_.cell_rows), size_t(canvas_.cell_columns)},
                 nb::find(this));
}

bool CanvasObject::is_full() const {
    return std::all_of(remaining_.begin(), remaining_.end(), [](int64_t count) { return count == 0; });
}

Box CanvasObject::box(const BoxBounds &bounds) const {
    const auto [top, bottom, left, right] = bounds;
    require(0 <= top && top <= bottom && bottom <= canvas_.height && 0 <= left && left <= right &&
                right <= canvas_.width,
            [&, top = top, bottom = bottom, left = left, right = right] {
                return "Rows " + text(top) + " to " + text(bottom) + " and columns " + text(left) + " to " +
                       text(right) + " are not in a block of " + shape_text(canvas_.height, canvas_.width) + " pixels.";
            });
    return {top, bottom, left, right};
}

void CanvasObject::require_bands(const std::vector<int64_t> &bands) const {
    for (const int64_t band : bands)
        require(0 <= band && band < canvas_.bands, [&] {
            return "Band " + text(band) + " does not exist; the canvas has " + text(canvas_.bands) + " bands.";
        });
}

void CanvasObject::require_visible(const Visible &visible) const {
    const int64_t height = int64_t(visible.shape(0)), width = int64_t(visible.shape(1));
    require(height == canvas_.height && width == canvas_.width, [&] {
        return "The visible pixels are " + shape_text(height, width) + ", the block " +
               shape_text(canvas_.height, canvas_.width) + ".";
    });
    require(width <= 1 || visible.stride(1) == 1, [] { return "Rows of visible pixels must be contiguous."; });
}

void CanvasObject::initialise() {
    nb::gil_scoped_release without_gil;
    loops().canvas->initialise[size_index(values_.dtype())](canvas_);
}

void CanvasObject::update_remaining(const std::vector<int64_t> &bands, const BoxBounds &bounds) {
    require_bands(bands);
    const Box part = box(bounds);
    if (part.top == part.bottom || part.left == part.right) return;
    nb::gil_scoped_release without_gil;
    loops().canvas->update_remaining(canvas_, bands.data(), int64_t(bands.size()), part);
}

bool CanvasObject::has_missing_pixels(const std::vector<int64_t> &bands, const BoxBounds &bounds,
                                      const std::optional<Visible> &visible) const {
    require_bands(bands);
    if (visible) require_visible(*visible);
    const Box part = box(bounds);
    if (part.top == part.bottom || part.left == part.right) return false;
    nb::gil_scoped_release without_gil;
    return loops().canvas->has_missing_pixels(canvas_, bands.data(), int64_t(bands.size()), part,
                                              visible ? visible->data() : nullptr, visible ? visible->stride(0) : 0);
}

void bind_canvas(nb::module_ &module) {
    module.attr("VALID") = int(VALID);
    module.attr("MISSING") = int(MISSING);
    module.attr("INVALID") = int(INVALID);
    module.attr("CELL") = cell_size;
    nb::class_<CanvasObject>(module, "Canvas", R"(Values and states (band, y, x) of a block, and the number of pixels still to fill.

The state of a pixel is `MISSING`, `VALID`, or `INVALID` if it shows a value that is not valid. Both arrays have
contiguous rows. Unless they are `initialised`, rows are initialised just before their first use, while they are in the
processor's cache; until then all their pixels are missing, whatever the memory holds.

A cell is a square of `CELL` pixels. `remaining` (band, y, x) counts its pixels that are not valid yet, and
`initialised_rows` is the row of the block up to which it is initialised.

Parameters
----------
values
    Pixels (band, y, x) with elements of 1, 2, 4 or 8 bytes; only written to.
state
    States (band, y, x) of 8 bits.
fill_values
    Values (band) of missing pixels, of the values' type; default: zeros.
initialised
    Whether the states are already set.

Raises
------
TypeError
    If an array has another type, or cannot be written to.
ValueError
    If shapes differ or rows are not contiguous.
)")
        .def(nb::init<Pixels, States, std::optional<PixelValues>, bool>(), nb::arg("values").noconvert(),
             nb::arg("state").noconvert(), nb::kw_only(), nb::arg("fill_values") = nb::none(),
             nb::arg("initialised") = false)
        .def_prop_ro("shape", &CanvasObject::shape, "Number of bands, rows and columns.")
        .def_prop_ro("remaining", &CanvasObject::remaining, nb::rv_policy::reference_internal,
                     "Number of pixels that are not valid yet, per cell (band, y, x); a view.")
        .def_prop_ro("initialised_rows", &CanvasObject::initialised_rows, nb::rv_policy::reference_internal,
                     "Row up to which a cell (band, y, x) is initialised; a view.")
        .def_prop_ro("is_full", &CanvasObject::is_full, "True if every pixel is valid.")
        .def("initialise", &CanvasObject::initialise, "Initialise all rows that are not initialised yet.")
        .def("update_remaining", &CanvasObject::update_remaining, nb::arg("bands"), nb::arg("box"),
             R"(Count the missing pixels again after states in a box have changed.

The box is (first row, last row, first column, last column), the last ones exclusive.
)")
        .def("has_missing_pixels", &CanvasObject::has_missing_pixels, nb::arg("bands"), nb::arg("box"),
             nb::arg("visible").noconvert() = nb::none(),
             R"(Return whether a box has a visible pixel that is not valid yet in some band.

`visible` (y, x) of the block marks pixels that are visible; by default all are.
)");
}

}  // namespace landbridge
