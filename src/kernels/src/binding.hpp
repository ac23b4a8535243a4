// Arguments of the Python functions, and checks of them.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <string>

#include "loops/loops.hpp"

namespace landbridge {

namespace nb = nanobind;

// The loops of the instruction set in use.
const Loops &loops();

// Every array that a function writes to is declared with `nb::arg().noconvert()`: nanobind copies an array whose type
// or layout does not fit, and what is written to the copy is lost.
using Tile = nb::ndarray<nb::ndim<3>, nb::c_contig, nb::device::cpu>;

// Raise a ValueError if an argument is not as it has to be. The message is made only then.
template <class Message> void require(bool condition, Message message) {
    if (!condition) throw nb::value_error(std::string(message()).c_str());
}

// The functions of each subject, in files of the same name.
void bind_decode(nb::module_ &module);
void bind_predictor(nb::module_ &module);

}  // namespace landbridge
