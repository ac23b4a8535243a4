// Positions of pixels in a source, interpolated between the nodes of a coordinate grid.
#pragma once
#include <cmath>
#include <limits>

#include "loops/loops.hpp"
#include "loops/vectors.hpp"

namespace {

using landbridge::NodeGrid;

// Upper bound of rounding errors, in pixels of a tile not larger than `large_tile` in either direction.
constexpr double rounding_margin = 1e-6;
constexpr double large_tile = 1 << 24;

// The quotient rounded down.
constexpr int64_t floor_divide(int64_t number, int64_t divisor) {
    return number / divisor - (number % divisor < 0 ? 1 : 0);
}

// Polynomial of a position from 0 to 1 between two nodes.
struct Polynomial {
    double p0, p1, p2, p3;

    double at(double t) const { return p0 + t * (p1 + t * (p2 + t * p3)); }

    // Return whether all values lie within the pixels from 0 to `size`; false for NaN.
    bool stays_inside(double size) const {
        // Upper bound of a cubic's deviation from the line between its ends.
        const double off = (std::fabs(p2) + 2.0 * std::fabs(p3)) / 4.0 + rounding_margin;
        const double end = p0 + p1 + p2 + p3;
        return size <= large_tile && smaller(p0, end) - off >= 0.0 && larger(p0, end) + off < size &&
               off + p0 + end < std::numeric_limits<double>::infinity();
    }
};

// Return the polynomial between the inner two of `taps` nodes.
inline Polynomial polynomial_between(const double *nodes, int64_t taps) {
    if (taps == 1) return {nodes[0], 0.0, 0.0, 0.0};
    if (taps == 2) return {nodes[0], nodes[1] - nodes[0], 0.0, 0.0};
    const double before = nodes[0], near = nodes[1], far = nodes[2], after = nodes[3];
    return {near, far - before / 3.0 - near / 2.0 - after / 6.0, (before + far) / 2.0 - near,
            (after - before) / 6.0 + (near - far) / 2.0};
}

}  // namespace
