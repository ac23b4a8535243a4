// Arguments of the Python functions, and checks of them.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "loops/loops.hpp"

namespace landbridge {

namespace nb = nanobind;

// The loops of the instruction set in use.
const Loops &loops();

// Every array that a function writes to, or that an object keeps, is declared with `nb::arg().noconvert()`: nanobind
// copies an array whose type or layout does not fit, and what is written to the copy is lost.
template <class... Config> using Array = nb::ndarray<Config..., nb::device::cpu>;
using Pixels = Array<nb::ndim<3>>;
using WritableTile = Array<nb::ndim<3>, nb::c_contig>;
using TileArray = Array<nb::ro, nb::ndim<3>, nb::c_contig>;
using States = Array<uint8_t, nb::ndim<3>>;
using PixelValues = Array<nb::ro, nb::ndim<1>, nb::c_contig>;
using Visible = Array<const uint8_t, nb::ndim<2>>;
using Indexes = Array<const int64_t, nb::ndim<1>, nb::c_contig>;
using Doubles = Array<const double, nb::ndim<2>, nb::c_contig>;
using Pair = std::array<int64_t, 2>;
using BoxBounds = std::array<int64_t, 4>;

// Raise a ValueError if an argument is not as it has to be. The message is made only then.
template <class Message> void require(bool condition, Message message) {
    if (!condition) throw nb::value_error(std::string(message()).c_str());
}

inline std::string text(int64_t number) { return std::to_string(number); }

// Return whether an array begins at a multiple of its element's size, as compiled code takes for granted.
template <class AnyArray> bool is_aligned(const AnyArray &array) {
    return reinterpret_cast<uintptr_t>(array.data()) % array.itemsize() == 0;
}

// Return the index of a type's size in a table (1, 2, 4, 8 bytes), or -1.
int size_index(const nb::dlpack::dtype &type);

// Return the index of a type in tables by pixel type. Raise a TypeError if there is none.
int pixel_type_index(const nb::dlpack::dtype &type);

// Return the index of a type in tables by number type. Raise a TypeError if there is none.
int number_type_index(const nb::dlpack::dtype &type);

// Python's object of a canvas.
class CanvasObject {
public:
    CanvasObject(Pixels values, States state, std::optional<PixelValues> fill_values, bool initialised);
    // `canvas_` points to members.
    CanvasObject(const CanvasObject &) = delete;
    CanvasObject &operator=(const CanvasObject &) = delete;

    const Canvas &canvas() const { return canvas_; }
    nb::dlpack::dtype dtype() const { return values_.dtype(); }
    nb::tuple shape() const;

    using Cells = nb::ndarray<nb::numpy, const int64_t, nb::ndim<3>, nb::c_contig>;
    Cells cells(const std::vector<int64_t> &counts) const;
    Cells remaining() const { return cells(remaining_); }
    Cells initialised_rows() const { return cells(initialised_rows_); }
    bool is_full() const;

    void initialise();
    void update_remaining(const std::vector<int64_t> &bands, const BoxBounds &bounds);
    bool has_missing_pixels(const std::vector<int64_t> &bands, const BoxBounds &bounds,
                            const std::optional<Visible> &visible) const;

    // Return a box of the block; raise a ValueError if it is not one.
    Box box(const BoxBounds &bounds) const;
    void require_bands(const std::vector<int64_t> &bands) const;
    void require_visible(const Visible &visible) const;

private:
    Pixels values_;
    States state_;
    // One more than there are bands, so that the memory of no band exists.
    std::vector<uint64_t> fill_values_;
    std::vector<int64_t> remaining_, initialised_rows_;
    Canvas canvas_;
};

// Python's object of a layer.
class LayerObject {
public:
    LayerObject(std::vector<int64_t> samples, std::vector<int64_t> bands, const PixelValues &nodata,
                const std::vector<bool> &has_nodata, int64_t alpha, std::optional<Visible> visible, bool show_invalid);
    // `layer_` points to members.
    LayerObject(const LayerObject &) = delete;
    LayerObject &operator=(const LayerObject &) = delete;

    // Return the layer; raise a ValueError or TypeError if it does not fit a canvas, or a pixel of `samples` samples.
    const Layer &checked(const CanvasObject &canvas, int64_t samples) const;

private:
    std::vector<int64_t> samples_, bands_;
    std::vector<uint64_t> nodata_;
    std::vector<uint8_t> has_nodata_;
    std::optional<Visible> visible_;
    int pixel_type_;
    Layer layer_;
};

// Python's object of a coordinate grid's nodes.
class NodeGridObject {
public:
    NodeGridObject(Doubles rows, Doubles columns, int64_t step, const Pair &first, int64_t taps, Doubles weights,
                   const std::array<double, 2> &max_deviation);

    const NodeGrid &grid() const { return grid_; }
    // Raise a ValueError if nodes around the pixels of a box are missing.
    void require_nodes(const Box &box) const;

private:
    Doubles rows_, columns_, weights_;
    NodeGrid grid_;
};

// The functions of each subject, in files of the same name.
void bind_decode(nb::module_ &module);
void bind_predictor(nb::module_ &module);
void bind_canvas(nb::module_ &module);
void bind_layer(nb::module_ &module);
void bind_compositing(nb::module_ &module);
void bind_local_scales(nb::module_ &module);
void bind_reductions(nb::module_ &module);
void bind_conversion(nb::module_ &module);

}  // namespace landbridge
