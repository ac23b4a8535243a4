#include <cstring>

#include "binding.hpp"

namespace landbridge {

LayerObject::LayerObject(std::vector<int64_t> samples, std::vector<int64_t> bands, const PixelValues &nodata,
                         const std::vector<bool> &has_nodata, int64_t alpha, std::optional<Visible> visible,
                         bool show_invalid)
    : samples_(std::move(samples)),
      bands_(std::move(bands)),
      nodata_(bands_.size() + 1),
      has_nodata_(has_nodata.begin(), has_nodata.end()),
      visible_(std::move(visible)),
      pixel_type_(pixel_type_index(nodata.dtype())),
      layer_() {
    require(samples_.size() == bands_.size() && nodata.shape(0) == bands_.size() &&
                has_nodata_.size() == bands_.size(),
            [] { return "Samples, bands and nodata values have different lengths."; });
    if (!bands_.empty()) std::memcpy(nodata_.data(), nodata.data(), nodata.nbytes());
    layer_ = {int64_t(bands_.size()),
              samples_.data(),
              bands_.data(),
              alpha,
              nodata_.data(),
              has_nodata_.data(),
              visible_ ? visible_->data() : nullptr,
              visible_ ? visible_->stride(0) : 0,
              show_invalid};
}

const Layer &LayerObject::checked(const CanvasObject &canvas, int64_t samples) const {
    canvas.require_bands(bands_);
    if (visible_) canvas.require_visible(*visible_);
    if (pixel_type_ != pixel_type_index(canvas.dtype()))
        throw nb::type_error("Nodata values must have the type of the canvas.");
    const auto require_sample = [&](int64_t sample) {
        require(0 <= sample && sample < samples, [&] {
            return "Sample " + text(sample) + " does not exist; the tile has " + text(samples) + " samples.";
        });
    };
    for (const int64_t sample : samples_) require_sample(sample);
    if (layer_.alpha != -1) require_sample(layer_.alpha);
    return layer_;
}

void bind_layer(nb::module_ &module) {
    nb::class_<LayerObject>(module, "Layer", R"(Samples of a file's tiles, and the conditions under which their pixels are composited.

Parameters
----------
samples, bands
    Positions of samples in a pixel, and the canvas's bands that they go to.
nodata, has_nodata
    Values that are not valid, of the tile's type, and whether each applies. NaN is never valid.
alpha
    Position of the sample that hides pixels by 0; -1 if there is none.
visible
    Pixels (y, x) of the block, of 8 bits, that the image may show; default: all.
show_invalid
    Whether values that are not valid fill pixels that are otherwise empty.

Raises
------
TypeError
    If an array has another type.
ValueError
    If lengths differ.
)")
        .def(nb::init<std::vector<int64_t>, std::vector<int64_t>, const PixelValues &, const std::vector<bool> &,
                      int64_t, std::optional<Visible>, bool>(),
             nb::arg("samples"), nb::arg("bands"), nb::arg("nodata"), nb::arg("has_nodata"), nb::kw_only(),
             nb::arg("alpha") = -1, nb::arg("visible").noconvert() = nb::none(), nb::arg("show_invalid") = false);
}

}  // namespace landbridge
