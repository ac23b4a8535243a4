"""Compiled loops that composite decoded tiles into the still-empty pixels of a block.

Values and states of a block are flat views. `strides` are the distances of bands and rows in elements
(values' band, values' row, states' band, states' row). The state of a pixel is `MISSING`, `VALID`, or
`INVALID` if it shows a value that is not valid. A cell is a square of `CELL` pixels: `remaining` (band, y, x)
counts its pixels that are not valid yet, and `initialised_rows` (band, y, x) is the row of the block up to
which it is initialised. Later rows are missing, whatever the memory of their values and states holds.
`fill_values` (band) are the values of missing pixels.

A tile is (y, x, sample). `samples` are the positions of the samples that go to the block's `bands`; `alpha`
is the position of the sample that hides pixels by 0, or -1. `nodata` has a value of the tile's type per band,
which applies if `has_nodata` is true; NaN is never valid. `visible` (y, x) of the block marks pixels that the
image may show; the shape (0, 0) means all.

All kernels are in one file because numba invalidates a cached function only when the function's own file
changes, not when the file of a function that it calls does.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numba
import numpy as np
from numba.extending import intrinsic

# States equal the values of a mask of missing pixels, so that they need no conversion.
VALID, MISSING, INVALID = np.uint8(False), np.uint8(True), np.uint8(2)
CELL = 128
# Bytes of a cache line, and number of rows that are prefetched before they are written.
_CACHE_LINE, _PREFETCHED_ROWS = 64, 2
# Upper bound of rounding errors, in pixels of a tile.
_ROUNDING_MARGIN = 1e-6
# Bytes of the vectors that all processors support, and number of vectors per iteration.
_VECTOR_BYTES, _VECTORS_AT_ONCE = 16, 8


def compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Compile a function for each new combination of types, and cache it on disk if possible."""
    settings: dict[str, Any] = {"nogil": True, "error_model": "numpy", **options}
    try:
        return numba.njit(cache=True, **settings)(function)  # type: ignore[no-any-return]
    except RuntimeError:
        # Neither the package's folder nor the user's cache is writable.
        return numba.njit(**settings)(function)  # type: ignore[no-any-return]


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that loops call for every few pixels: inlined, and without reference counts.

    A call costs as much as its work, because the fields of each array pass through the stack; so does a
    reference count, which waits for all earlier stores. Without counts (`_nrt=False`, a private option of
    numba, see tests/unit/raster/test_library_internals.py) the function must not allocate arrays.

    Compositing a tile of 512 x 512 pixels in 4 bands (CPU time, busy machine): into empty pixels 0.47 ms,
    with reference counts 0.55 ms, without inlining 0.55 ms; into half-filled pixels 0.44, 0.50 and 0.32 ms.
    """
    return compiled(function, forceinline=True, _nrt=False)


def llvm_intrinsic(function: Callable[..., Any]) -> Any:
    """Turn a function of numba's types that emits LLVM IR into a function for kernels.

    Literal arguments are passed as literal types.
    """
    return intrinsic(prefer_literal=True)(function)


@llvm_intrinsic
def _prefetch(_typing: Any, array: Any, place: Any) -> Any:
    """Prefetch the memory of an element into the cache; the element may lie outside the array."""
    from llvmlite import ir  # type: ignore[import-untyped]
    from numba.core import cgutils, types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        element = builder.bitcast(builder.gep(first, [arguments[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        function: Any = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        # Arguments: for writing, keep in all cache levels, data cache.
        builder.call(function, [element, number(1), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, place), code


@inlined
def _fetch_ahead(array: Any, first: int, size: int) -> None:
    """Prefetch the memory of a run: the distance between rows defeats the processor's own prefetcher."""
    for x in range(first, first + size, _CACHE_LINE // array.itemsize):
        _prefetch(array, x)


@inlined
def _cell(cy: int, cx: int, size: Any) -> Any:
    """Return the box (y0, y1, x0, x1) of a cell of a block of a size (y, x)."""
    return cy * CELL, min(size[0], (cy + 1) * CELL), cx * CELL, min(size[1], (cx + 1) * CELL)


@inlined
def _fill_run(values: Any, start: int, stop: int, value: Any) -> None:
    """Fill a run with one value."""
    for n in range(np.uintp(start), np.uintp(stop)):
        values[n] = value


@inlined
def _initialise_rows(
    out: Any,
    state: Any,
    strides: Any,
    initialised_rows: Any,
    fill_values: Any,
    band: int,
    cy: int,
    cx: int,
    size: Any,
    end: int,
    kept: Any,
) -> None:
    """Initialise the rows of a cell up to `end` as missing; `size` (y, x) is that of the block.

    From the row `kept[0]` on, the columns from `kept[1]` to `kept[2]` are left to the caller.
    """
    first, last = cx * CELL, min(size[1], (cx + 1) * CELL)
    for y in range(initialised_rows[band, cy, cx], end):
        o, s = band * strides[0] + y * strides[1], band * strides[2] + y * strides[3]
        stop, start = (kept[1], kept[2]) if y >= kept[0] else (last, last)
        _fill_run(out, o + first, o + stop, fill_values[band])
        _fill_run(state, s + first, s + stop, MISSING)
        _fill_run(out, o + start, o + last, fill_values[band])
        _fill_run(state, s + start, s + last, MISSING)
    initialised_rows[band, cy, cx] = max(initialised_rows[band, cy, cx], end)


@compiled
def initialise(
    out: Any, state: Any, strides: Any, initialised_rows: Any, fill_values: Any, size: Any
) -> None:
    """Initialise all rows that are not initialised yet."""
    for band in range(initialised_rows.shape[0]):
        for cy in range(initialised_rows.shape[1]):
            end = min(size[0], (cy + 1) * CELL)
            for cx in range(initialised_rows.shape[2]):
                _initialise_rows(
                    out, state, strides, initialised_rows, fill_values, band, cy, cx, size, end, (end, 0, 0)
                )


@compiled
def has_missing_pixels(
    state: Any, strides: Any, bands: Any, remaining: Any, initialised_rows: Any, box: Any, visible: Any
) -> bool:
    """Return whether a box (y0, y1, x0, x1) has a visible pixel that is not valid yet in some band."""
    for cy in range(box[0] // CELL, (box[1] - 1) // CELL + 1):
        top, bottom = max(box[0], cy * CELL), min(box[1], (cy + 1) * CELL)
        for cx in range(box[2] // CELL, (box[3] - 1) // CELL + 1):
            start, stop = max(box[2], cx * CELL), min(box[3], (cx + 1) * CELL)
            for band in bands:
                if remaining[band, cy, cx] == 0:
                    continue
                if initialised_rows[band, cy, cx] < bottom and visible.size == 0:
                    return True
                for y in range(top, bottom):
                    first = band * strides[2] + y * strides[3]
                    row = state[first + start : first + stop]
                    any_missing = False
                    if visible.size == 0:
                        for x in range(row.size):
                            any_missing |= row[x] != VALID
                    else:
                        fresh = y >= initialised_rows[band, cy, cx]
                        is_visible = visible[y, start:stop]
                        for x in range(row.size):
                            any_missing |= ((row[x] != VALID) | fresh) & (is_visible[x] != 0)
                    if any_missing:
                        return True
    return False


@inlined
def _count_missing(state: Any, s: int, size: int) -> Any:
    """Count the states that are not valid in a run, not longer than a cell."""
    first, count = np.uintp(s), np.uint16(0)
    for n in range(size):
        # LLVM vectorizes a narrow counter better.
        count = np.uint16(count + np.uint16(state[first + np.uintp(n)] != VALID))
    return np.int64(count)


@compiled
def update_remaining(
    state: Any, strides: Any, bands: Any, remaining: Any, initialised_rows: Any, box: Any, size: Any
) -> None:
    """Count again the pixels that are not valid in the cells that a box (y0, y1, x0, x1) touches."""
    for band in bands:
        for cy in range(box[0] // CELL, (box[1] - 1) // CELL + 1):
            for cx in range(box[2] // CELL, (box[3] - 1) // CELL + 1):
                top, bottom, start, stop = _cell(cy, cx, size)
                end = min(bottom, initialised_rows[band, cy, cx])
                count = (bottom - end) * (stop - start)
                for y in range(top, end):
                    count += _count_missing(state, band * strides[2] + y * strides[3] + start, stop - start)
                remaining[band, cy, cx] = count


def _deinterleave(builder: Any, vectors: Any, lanes: int) -> Any:
    """Deinterleave vectors of pixels into one vector per sample; there are as many vectors as samples."""
    from llvmlite import ir

    part, samples, turns = vectors, len(vectors), lanes if len(vectors) > 1 else 1
    low = [n // 2 + lanes * (n % 2) for n in range(lanes)]
    high = [n + lanes // 2 for n in low]
    orders = [ir.Constant(ir.VectorType(ir.IntType(32), lanes), order) for order in (low, high)]
    # Each round rotates the bits of all positions by one.
    while turns > 1:
        pairs = zip(part[: samples // 2], part[samples // 2 :], strict=True)
        part = [builder.shuffle_vector(one, other, order) for one, other in pairs for order in orders]
        turns //= 2
    return part


@llvm_intrinsic
def _sum_pixels(
    _typing: Any, flat: Any, at: Any, stride: Any, runs: Any, x: Any, width: Any, carry: Any
) -> Any:
    """Undo the differences of `_pixels_per_sum` pixels of `stride` samples (a literal: 1, 2 or 4).

    The pixels start at `at` in `flat`. The results go to runs, one per sample, `width` elements apart, from
    `x` on; with a `width` of 0 (a literal) they stay interleaved. `carry` holds the sums of the previous
    pixels, and is updated.
    """
    from llvmlite import ir
    from numba.core import types

    samples, size = stride.literal_value, np.dtype(flat.dtype.name).itemsize
    # A vector holds at least one pixel.
    lanes, number = max(_VECTOR_BYTES // size, samples), ir.IntType(32)
    value = ir.IntType(8 * size)
    vector, last = ir.VectorType(value, lanes), ir.VectorType(value, samples)
    as_pixels = getattr(width, "literal_value", None) == 0

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def pointer(array: int, kind: Any, element: Any = None) -> Any:
            first = context.make_array(signature.args[array])(context, builder, arguments[array]).data
            if element is not None:
                first = builder.gep(first, [element])
            return builder.bitcast(first, kind.as_pointer())

        def picked(one: Any, other: Any, order: Iterable[int]) -> Any:
            constant = ir.Constant(ir.VectorType(number, len(order := [*order])), order)
            return builder.shuffle_vector(one, other, constant)

        nothing, unknown = ir.Constant(vector, [0] * lanes), ir.Constant(vector, ir.Undefined)
        first = builder.load(pointer(6, last), align=size)
        # The sums of the previous pixel, repeated for every pixel of a vector.
        before = picked(first, ir.Constant(last, ir.Undefined), [n % samples for n in range(lanes)])
        # Each vector is summed by itself first, so that only one addition depends on the previous vector.
        alone = []
        for n in range(_VECTORS_AT_ONCE):
            element = builder.add(arguments[1], arguments[1].type(n * lanes))
            sums = builder.load(pointer(0, vector, element), align=size)
            by = samples
            while by < lanes:
                moved = picked(sums, nothing, [m - by if m >= by else lanes for m in range(lanes)])
                sums = builder.add(sums, moved)
                by *= 2
            alone.append(sums)
        vectors = []
        for sums in alone:
            vectors.append(builder.add(sums, before))
            totals = picked(sums, unknown, [lanes - samples + m % samples for m in range(lanes)])
            before = builder.add(before, totals)
        builder.store(picked(before, unknown, range(samples)), pointer(6, last), align=size)
        if as_pixels:
            for n, pixels in enumerate(vectors):
                place = builder.add(arguments[4], arguments[4].type(n * lanes))
                builder.store(pixels, pointer(3, vector, place), align=size)
            return context.get_dummy_value()
        for start in range(0, _VECTORS_AT_ONCE, samples):
            for sample, run in enumerate(_deinterleave(builder, vectors[start : start + samples], lanes)):
                place = builder.add(arguments[4], arguments[4].type(start // samples * lanes))
                place = builder.add(place, builder.mul(arguments[5], arguments[5].type(sample)))
                builder.store(run, pointer(3, vector, place), align=size)
        return context.get_dummy_value()

    return types.void(flat, at, stride, runs, x, width, carry), code


@inlined
def _pixels_per_sum(array: Any, stride: int) -> Any:
    """Return the number of pixels of one call of `_sum_pixels`."""
    return max(_VECTOR_BYTES // array.itemsize, stride) * _VECTORS_AT_ONCE // stride


@inlined
def _undo_run_differences(
    flat: Any, at: int, stride: int, lines: Any, first: int, width: int, count: int, carry: Any
) -> None:
    """Undo the differences of `count` pixels of 1, 2 or 4 samples from `at` on in `flat`; sums wrap.

    The results go to lines, one per sample, `width` elements apart, from the element `first` on.
    """
    for sample in range(stride):
        carry[sample] = 0
    x, step = 0, _pixels_per_sum(flat, stride)
    # The number of samples is a literal of the generated code.
    if stride == 1:
        while x + step <= count:
            _sum_pixels(flat, at + x, 1, lines, first + x, width, carry)
            x += step
    elif stride == 2:
        while x + step <= count:
            _sum_pixels(flat, at + 2 * x, 2, lines, first + x, width, carry)
            x += step
    else:
        while x + step <= count:
            _sum_pixels(flat, at + 4 * x, 4, lines, first + x, width, carry)
            x += step
    for sample in range(stride):
        for n in range(x, count):
            carry[sample] += flat[at + n * stride + sample]
            lines[first + sample * width + n] = carry[sample]


@compiled
def undo_differences(tile: Any, first: int, last: int) -> None:
    """Undo TIFF's horizontal predictor in rows of a tile, in place; sums wrap."""
    width, stride = tile.shape[1], tile.shape[2]
    flat, carry = tile.reshape(tile.size), np.empty(stride, tile.dtype)
    step = _pixels_per_sum(flat, stride) * stride
    for y in range(first, last):
        for sample in range(stride):
            carry[sample] = 0
        at, stop = y * width * stride, (y + 1) * width * stride
        if stride == 1:
            while at + step <= stop:
                _sum_pixels(flat, at, 1, flat, at, 0, carry)
                at += step
        elif stride == 2:
            while at + step <= stop:
                _sum_pixels(flat, at, 2, flat, at, 0, carry)
                at += step
        elif stride == 4:
            while at + step <= stop:
                _sum_pixels(flat, at, 4, flat, at, 0, carry)
                at += step
        while at < stop:
            for sample in range(stride):
                carry[sample] += flat[at + sample]
                flat[at + sample] = carry[sample]
            at += stride


@inlined
def _extract_row(
    flat: Any,
    first: int,
    samples: Any,
    stride: int,
    differences: bool,
    low: int,
    lines: Any,
    width: int,
    carry: Any,
) -> None:
    """Extract a row of a flattened tile into lines, one per sample, with the horizontal predictor undone.

    The row begins at `first`; columns from `low` on and at least `samples` are extracted. `width` is the
    length of a line.
    """
    if differences and stride in (1, 2, 4):
        _undo_run_differences(flat, first, stride, lines, 0, width, width, carry)
        return
    # Unsigned, as the check of a signed index for negative values takes as long as the rest.
    step = np.uintp(stride)
    for k in range(samples.size):
        start = 0 if differences else low
        at = np.uintp(first + samples[k] + start * stride)
        line = samples[k] * width
        for x in range(np.uintp(line + start), np.uintp(line + width)):
            lines[x] = flat[at]
            at += step
        if differences:
            _undo_run_differences(lines, line, 1, lines, line, width, width, carry)


@llvm_intrinsic
def _select(_typing: Any, condition: Any, one: Any, _other: Any) -> Any:
    """Select one of two values; for a Python expression LLVM emits a branch per pixel around the store."""

    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return one(condition, one, one), code


@inlined
def _copy(values: Any, first: Any, count: int, out: Any, o: Any) -> None:
    """Copy `count` values; a slice assignment of numba takes ten times as long."""
    first, o = np.uintp(first), np.uintp(o)
    for n in range(count):
        x = np.uintp(n)
        out[o + x] = values[first + x]


@inlined
def _resolve_mask_showing_invalid(
    values: Any,
    first: Any,
    is_visible: Any,
    count: int,
    out: Any,
    o: Any,
    state: Any,
    s: Any,
    nodata: Any,
    has_nodata: bool,
) -> None:
    """Like `_resolve_mask`, but values that are not valid replace missing pixels."""
    first, o, s = np.uintp(first), np.uintp(o), np.uintp(s)
    for n in range(count):
        x = np.uintp(n)
        value, old, was = values[first + x], out[o + x], state[s + x]
        valid = ((value != nodata) | (not has_nodata)) & (value == value)  # noqa: PLR0124 - NaN is not itself
        take = (was != VALID) & (is_visible[x] != 0) & valid
        show = (was == MISSING) & (is_visible[x] != 0)
        out[o + x] = _select(take | show, value, old)
        state[s + x] = _select(take, VALID, _select(show, INVALID, was))


@inlined
def _resolve_mask(
    values: Any,
    first: Any,
    is_visible: Any,
    count: int,
    out: Any,
    o: Any,
    state: Any,
    s: Any,
    nodata: Any,
    has_nodata: bool,
) -> None:
    """Write valid values to visible pixels that are not valid yet.

    `count` values from `first` on go to `out` from `o` on, their states to `state` from `s` on.
    """
    # No slices in code that runs for every few pixels, as numba counts references to them.
    first, o, s = np.uintp(first), np.uintp(o), np.uintp(s)
    for n in range(count):
        x = np.uintp(n)
        value, old, was = values[first + x], out[o + x], state[s + x]
        valid = ((value != nodata) | (not has_nodata)) & (value == value)  # noqa: PLR0124 - NaN is not itself
        take = (was != VALID) & (is_visible[x] != 0) & valid
        out[o + x] = _select(take, value, old)
        state[s + x] = _select(take, VALID, was)


@inlined
def _composite_span(
    values: Any,
    first: Any,
    is_visible: Any,
    count: int,
    out: Any,
    o: Any,
    state: Any,
    s: Any,
    nodata: Any,
    has_nodata: bool,
    show_invalid: bool,
) -> None:
    """Composite a run by `_resolve_mask_showing_invalid` or `_resolve_mask`."""
    if show_invalid:
        _resolve_mask_showing_invalid(values, first, is_visible, count, out, o, state, s, nodata, has_nodata)
    else:
        _resolve_mask(values, first, is_visible, count, out, o, state, s, nodata, has_nodata)


@inlined
def _composite_blank_span(
    values: Any,
    first: Any,
    valid_states: Any,
    count: Any,
    out: Any,
    o: Any,
    state: Any,
    s: Any,
    nodata: Any,
    has_nodata: bool,
    fill_values: Any,
    show_invalid: bool,
) -> bool:
    """Composite a run into pixels that are not initialised yet and all visible.

    Return whether all values are valid.
    """
    start = np.uintp(first)
    # A 16-bit flag, as a flag of one bit makes slower code.
    faulty = np.uint16(0)
    for n in range(count):
        value = values[start + np.uintp(n)]
        faulty = np.uint16(faulty | np.uint16(((value == nodata) & has_nodata) | (value != value)))  # noqa: PLR0124
    if faulty == 0:
        _copy(values, first, count, out, o)
        _copy(valid_states, 0, count, state, s)
        return True
    missing, shown = INVALID if show_invalid else MISSING, np.uint8(show_invalid)
    o, s = np.uintp(o), np.uintp(s)
    for n in range(count):
        x = np.uintp(n)
        value = values[start + x]
        valid = ((value != nodata) | (not has_nodata)) & (value == value)  # noqa: PLR0124
        out[o + x] = _select(valid | (shown != 0), value, fill_values)
        state[s + x] = _select(valid, VALID, missing)
    return False


@compiled
def composite_aligned_tile(
    tile: Any,
    differences: bool,
    rows: Any,
    columns: Any,
    place: Any,
    samples: Any,
    alpha: int,
    nodata: Any,
    has_nodata: Any,
    visible: Any,
    show_invalid: bool,
    out: Any,
    state: Any,
    strides: Any,
    bands: Any,
    remaining: Any,
    initialised_rows: Any,
    fill_values: Any,
    block: Any,
) -> None:
    """Composite a tile into an aligned part of a block.

    The part starts at `place` (y, x) of the block; its pixels take the tile's `rows` and `columns`. With
    `differences`, the tile's horizontal predictor is not undone yet.
    """
    width, stride = columns.size, tile.shape[2]
    low, high = min(columns[0], columns[-1]), max(columns[0], columns[-1])
    is_contiguous = high - low == width - 1
    for x in range(width):
        is_contiguous &= columns[x] == low + x
    extracted_samples = samples if alpha < 0 else np.append(samples, alpha)
    flat = tile.reshape(tile.size)
    # Length of a row, rounded up to whole vectors.
    row_width = min(tile.shape[1], (high // _CACHE_LINE + 1) * _CACHE_LINE)
    # A line per sample, and one for selected columns.
    lines = np.empty(stride * row_width + width, tile.dtype)
    carry = np.empty(stride, tile.dtype)
    valid_states = np.full(width, VALID)
    is_visible = np.ones(width, np.uint8)
    visible_everywhere = alpha < 0 and visible.size == 0
    bottom, right = place[0] + rows.size, place[1] + width
    incomplete_bands = np.zeros(samples.size, np.uint8)
    all_valid = np.zeros(samples.size, np.uint8)
    # First and last column, relative to the part, of pixels that are not initialised yet.
    blank_columns = np.zeros((samples.size, 2), np.int64)
    first_cell, last_cell = place[1] // CELL, (right - 1) // CELL
    top = place[0]
    while top < bottom:
        # One row of cells at a time, row by row.
        cy = top // CELL
        end = min(bottom, (cy + 1) * CELL)
        for i in range(samples.size):
            incomplete_bands[i], all_valid[i] = 0, 1
            start = stop = 0
            for cx in range(first_cell, last_cell + 1):
                incomplete_bands[i] |= remaining[bands[i], cy, cx] != 0
                kept = (end, 0, 0)
                if visible_everywhere and initialised_rows[bands[i], cy, cx] <= top:
                    x0, x1 = max(place[1], cx * CELL), min(right, (cx + 1) * CELL)
                    if start == stop:
                        start = stop = x0 - place[1]
                    if place[1] + stop == x0:
                        stop = x1 - place[1]
                        kept = (top, x0, x1)
                _initialise_rows(
                    out, state, strides, initialised_rows, fill_values, bands[i], cy, cx, block, end, kept
                )
            blank_columns[i, 0], blank_columns[i, 1] = start, stop
        for y in range(top, end):
            ahead = y + _PREFETCHED_ROWS
            if ahead < bottom:
                for i in range(samples.size):
                    o = bands[i] * strides[0] + ahead * strides[1] + place[1]
                    s = bands[i] * strides[2] + ahead * strides[3] + place[1]
                    _fetch_ahead(out, o, width)
                    _fetch_ahead(state, s, width)
            row = rows[y - place[0]] * tile.shape[1] * stride
            _extract_row(flat, row, extracted_samples, stride, differences, low, lines, row_width, carry)
            if visible.size:
                _copy(visible[y], place[1], width, is_visible, 0)
            if alpha >= 0:
                for x in range(width):
                    shown = lines[alpha * row_width + columns[x]] != 0
                    is_visible[x] = shown if visible.size == 0 else is_visible[x] & shown
            for i in range(samples.size):
                if not incomplete_bands[i]:
                    continue
                # No aliases of arrays in code that runs for every row: their reference counts would wait for
                # all earlier stores.
                first = samples[i] * row_width + low
                if not is_contiguous:
                    for x in range(width):
                        lines[stride * row_width + x] = lines[first + columns[x] - low]
                    first = stride * row_width
                o = bands[i] * strides[0] + y * strides[1] + place[1]
                s = bands[i] * strides[2] + y * strides[3] + place[1]
                start, stop = blank_columns[i, 0], blank_columns[i, 1]
                if start < stop:
                    all_valid[i] &= _composite_blank_span(
                        lines,
                        first + start,
                        valid_states,
                        stop - start,
                        out,
                        o + start,
                        state,
                        s + start,
                        nodata[i],
                        has_nodata[i],
                        fill_values[bands[i]],
                        show_invalid,
                    )
                    # The pixels left and right of the blank columns; all are visible.
                    _composite_span(
                        lines,
                        first,
                        is_visible,
                        start,
                        out,
                        o,
                        state,
                        s,
                        nodata[i],
                        has_nodata[i],
                        show_invalid,
                    )
                count = width - stop
                _composite_span(
                    lines,
                    first + stop,
                    is_visible,
                    count,
                    out,
                    o + stop,
                    state,
                    s + stop,
                    nodata[i],
                    has_nodata[i],
                    show_invalid,
                )
        for i in range(samples.size):
            start, stop = place[1] + blank_columns[i, 0], place[1] + blank_columns[i, 1]
            if not all_valid[i]:
                start = stop = place[1]
            elif start < stop:
                for cx in range(start // CELL, (stop - 1) // CELL + 1):
                    cell = _cell(cy, cx, block)
                    remaining[bands[i], cy, cx] -= (end - top) * (min(stop, cell[3]) - max(start, cell[2]))
            for box in ((top, end, place[1], start), (top, end, stop, right)):
                if box[2] < box[3]:
                    update_remaining(
                        state, strides, bands[i : i + 1], remaining, initialised_rows, box, block
                    )
        top = end


@compiled
def tile_boxes(
    rows: Any,
    columns: Any,
    node_layout: Any,
    max_deviation: Any,
    size: Any,
    tile: Any,
    source: Any,
    found: Any,
) -> None:
    """Compute for each of a source's tiles the box (y0, y1, x0, x1) of the block's pixels that may lie in it.

    `rows` and `columns` are source coordinates at the nodes of a coordinate grid (see
    `composite_warped_tile`), between which they deviate from a straight line by at most `max_deviation` (y,
    x). `size`, `tile` and `source` are (y, x) of the block, a tile and the source. The boxes are written to
    `found` (tile row, tile column, 4), which is zero at first.
    """
    step, top, start, taps = node_layout
    base = 0 if taps == 1 else 1
    span = 0 if taps == 1 else 1
    for j in range((size[0] - 1 - top) // step + 1):
        y0, y1 = max(0, top + j * step), min(size[0], top + (j + 1) * step)
        for i in range((size[1] - 1 - start) // step + 1):
            x0, x1 = max(0, start + i * step), min(size[1], start + (i + 1) * step)
            low_r = high_r = rows[j + base, i + base]
            low_c = high_c = columns[j + base, i + base]
            for dj in range(span + 1):
                for di in range(span + 1):
                    r, c = rows[j + base + dj, i + base + di], columns[j + base + dj, i + base + di]
                    low_r, high_r = min(low_r, r), max(high_r, r)
                    low_c, high_c = min(low_c, c), max(high_c, c)
            low_r, high_r, low_c, high_c = (
                low_r - max_deviation[0],
                high_r + max_deviation[0],
                low_c - max_deviation[1],
                high_c + max_deviation[1],
            )
            # The comparison is also false for NaN.
            if not (high_r >= 0 and low_r < source[0] and high_c >= 0 and low_c < source[1]):
                continue
            first_r, last_r = int(max(0.0, low_r)) // tile[0], int(min(high_r, source[0] - 1.0)) // tile[0]
            first_c, last_c = int(max(0.0, low_c)) // tile[1], int(min(high_c, source[1] - 1.0)) // tile[1]
            for tr in range(first_r, last_r + 1):
                for tc in range(first_c, last_c + 1):
                    box = found[tr, tc]
                    if box[1] == 0:
                        box[0], box[1], box[2], box[3] = y0, y1, x0, x1
                    else:
                        box[0], box[1] = min(box[0], y0), max(box[1], y1)
                        box[2], box[3] = min(box[2], x0), max(box[3], x1)


@inlined
def _polynomial(values: Any, node: int, taps: int) -> Any:
    """Return the coefficients of the polynomial of a position from 0 to 1 between the inner two nodes."""
    if taps == 1:
        return values[node], 0.0, 0.0, 0.0
    if taps == 2:
        return values[node], values[node + 1] - values[node], 0.0, 0.0
    before, near, far, after = values[node], values[node + 1], values[node + 2], values[node + 3]
    return (
        near,
        far - before / 3.0 - near / 2.0 - after / 6.0,
        (before + far) / 2.0 - near,
        (after - before) / 6.0 + (near - far) / 2.0,
    )


@inlined
def _stays_inside(p0: float, p1: float, p2: float, p3: float, size: float) -> bool:
    """Return whether a polynomial of a position from 0 to 1 stays within the pixels from 0 to `size`."""
    # Upper bound of a cubic's deviation from the line between its ends; false for NaN.
    off = (abs(p2) + 2.0 * abs(p3)) / 4.0 + _ROUNDING_MARGIN
    end = p0 + p1 + p2 + p3
    return min(p0, end) - off >= 0.0 and max(p0, end) + off < size and off + p0 + end < np.inf


@inlined
def _pixel_offsets(
    rows: Any,
    columns: Any,
    node: int,
    first: int,
    count: int,
    fractions: Any,
    max_deviation: Any,
    size: Any,
    width: int,
    stride: int,
    taps: int,
    offsets: Any,
    is_visible: Any,
) -> bool:
    """Compute the offsets of a run of pixels in a flattened tile; return False if none lies in the tile.

    The run has `count` pixels between two nodes, from `first` on; `fractions` are positions between the
    nodes. `rows` and `columns` of the nodes are relative to the tile's corner, and `node` is the first one
    that contributes. Offsets of first samples go to `offsets`, and flags of pixels inside the tile to
    `is_visible`.
    """
    near, far = node + max(0, taps // 2 - 1), node + taps // 2
    if (
        max(rows[near], rows[far]) + max_deviation[0] < 0
        or min(rows[near], rows[far]) - max_deviation[0] >= size[0]
        or max(columns[near], columns[far]) + max_deviation[1] < 0
        or min(columns[near], columns[far]) - max_deviation[1] >= size[1]
    ):
        return False
    r0, r1, r2, r3 = _polynomial(rows, node, taps)
    c0, c1, c2, c3 = _polynomial(columns, node, taps)
    height, across = float(size[0]), float(size[1])
    if _stays_inside(r0, r1, r2, r3, height) and _stays_inside(c0, c1, c2, c3, across):
        for x in range(count):
            # Unsigned indexes, as in `_extract_row`.
            t = fractions[np.uintp(first) + np.uintp(x)]
            r = r0 + t * (r1 + t * (r2 + t * r3))
            c = c0 + t * (c1 + t * (c2 + t * c3))
            offsets[x] = (np.int32(r) * np.int32(width) + np.int32(c)) * np.int32(stride)
            is_visible[x] = 1
        return True
    for x in range(count):
        t = fractions[np.uintp(first) + np.uintp(x)]
        r = r0 + t * (r1 + t * (r2 + t * r3))
        c = c0 + t * (c1 + t * (c2 + t * c3))
        # The comparison is also false for NaN.
        within = (r >= 0.0) & (r < height) & (c >= 0.0) & (c < across)
        place = (np.int32(r) * np.int32(width) + np.int32(c)) * np.int32(stride)
        offsets[x] = place if within else np.int32(0)
        is_visible[x] = within
    return True


@llvm_intrinsic
def _gather_pixels(
    _typing: Any, flat: Any, stride: Any, offsets: Any, first: Any, runs: Any, width: Any
) -> Any:
    """Gather all samples of `_pixels_per_gather` pixels of `stride` samples (a literal: 2 or 4).

    The pixels are at `offsets` from `first` on. The samples go to runs, one per sample, `width` elements
    apart.
    """
    from llvmlite import ir
    from numba.core import types

    samples, size = stride.literal_value, np.dtype(flat.dtype.name).itemsize
    lanes, value = max(_VECTOR_BYTES // size, samples), ir.IntType(8 * size)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = [
            None if n in (1, 3, 5) else context.make_array(kind)(context, builder, arguments[n]).data
            for n, kind in enumerate(signature.args)
        ]
        vectors = []
        for n in range(lanes):
            at = builder.add(arguments[3], arguments[3].type(n))
            place = builder.zext(builder.load(builder.gep(data[2], [at])), arguments[3].type)
            kind = ir.VectorType(value, samples).as_pointer()
            vectors.append(builder.load(builder.bitcast(builder.gep(data[0], [place]), kind), align=size))
        while len(vectors) > samples:
            both = ir.VectorType(ir.IntType(32), 2 * vectors[0].type.count)
            order = ir.Constant(both, [*range(both.count)])
            pairs = zip(vectors[::2], vectors[1::2], strict=True)
            vectors = [builder.shuffle_vector(one, other, order) for one, other in pairs]
        for sample, run in enumerate(_deinterleave(builder, vectors, lanes)):
            at = builder.add(arguments[3], builder.mul(arguments[5], arguments[5].type(sample)))
            kind = ir.VectorType(value, lanes).as_pointer()
            builder.store(run, builder.bitcast(builder.gep(data[4], [at]), kind), align=size)
        return context.get_dummy_value()

    return types.void(flat, stride, offsets, first, runs, width), code


@inlined
def _gather(
    flat: Any, stride: int, offsets: Any, count: int, samples: Any, alpha: int, lines: Any, width: int
) -> None:
    """Gather samples of `count` pixels at offsets in a flattened tile, at least `samples` and alpha.

    They go to lines, one per sample of the tile, `width` elements apart.
    """
    done = 0
    # The number of samples is a literal of the generated code.
    if stride == 4:
        while done + _pixels_per_gather(flat, 4) <= count:
            _gather_pixels(flat, 4, offsets, done, lines, width)
            done += _pixels_per_gather(flat, 4)
    elif stride == 2:
        while done + _pixels_per_gather(flat, 2) <= count:
            _gather_pixels(flat, 2, offsets, done, lines, width)
            done += _pixels_per_gather(flat, 2)
    if done == count:
        return
    for k in range(samples.size + (alpha >= 0)):
        sample = samples[k] if k < samples.size else alpha
        for x in range(done, count):
            at = np.uintp(sample * width + x)
            lines[at] = flat[np.uintp(offsets[np.uintp(x)]) + np.uintp(sample)]


@inlined
def _pixels_per_gather(array: Any, stride: int) -> Any:
    """Return the number of pixels of one call of `_gather_pixels`."""
    return max(_VECTOR_BYTES // array.itemsize, stride)


@inlined
def _any_missing(
    state: Any, strides: Any, initialised_rows: Any, band: int, y: int, x: int, is_visible: Any, count: int
) -> bool:
    """Return whether any visible pixel of a run of `count` pixels from `x` on is not valid yet."""
    found = np.uint8(0)
    start, stop, row = x, x + count, band * strides[2] + y * strides[3]
    while start < stop:
        # The run's part in one cell.
        end = min(stop, (start // CELL + 1) * CELL)
        i, s = np.uintp(start - x), np.uintp(row + start)
        if y >= initialised_rows[band, y // CELL, start // CELL]:
            for n in range(end - start):
                found = np.uint8(found | is_visible[i + np.uintp(n)])
        else:
            for n in range(end - start):
                missing = np.uint8(state[s + np.uintp(n)] != VALID)
                # Back to a byte at each step, as numba's wider results make wider and slower vector code.
                found = np.uint8(found | np.uint8(missing & is_visible[i + np.uintp(n)]))
        start = end
    return bool(found != 0)


@compiled
def composite_warped_tile(
    tile: Any,
    corner: Any,
    size: Any,
    rows: Any,
    columns: Any,
    node_layout: Any,
    max_deviation: Any,
    weights: Any,
    box: Any,
    samples: Any,
    alpha: int,
    nodata: Any,
    has_nodata: Any,
    visible: Any,
    show_invalid: bool,
    out: Any,
    state: Any,
    strides: Any,
    bands: Any,
    remaining: Any,
    initialised_rows: Any,
    fill_values: Any,
    block: Any,
    probe: bool,
) -> bool:
    """Composite a tile into the pixels of a box of a block, by source coordinates at nodes.

    The tile's `corner` and `size` (y, x) are in the source's pixels. `node_layout` is (step, top, start,
    taps): nodes are `step` pixels of the block apart, the second at `top` and `start`. A pixel is
    interpolated from `taps` nodes in each direction by `weights` (tap, position between nodes); with one tap
    every pixel is a node.

    With `probe` nothing is written: return whether a pixel that is not valid yet lies in the tile.
    """
    step, top, start, taps = node_layout
    skipped = 2 - taps // 2 if taps > 1 else 0
    first, last = (box[2] - start) // step, (box[3] - 1 - start) // step
    row_nodes = np.empty(rows.shape[1])
    column_nodes = np.empty(rows.shape[1])
    width, stride = tile.shape[1], tile.shape[2]
    flat = tile.reshape(tile.size)
    offsets = np.empty(step, np.int32)
    is_visible = np.empty(step, np.uint8)
    all_visible = np.ones(step, np.uint8)
    fractions = np.arange(step) / step
    lines = np.empty(stride * step, tile.dtype)
    first_cell, last_cell = box[2] // CELL, (box[3] - 1) // CELL
    # Cells in which all pixels of some band are missing; no pixel is written twice in a call.
    empty = np.zeros(last_cell + 1, np.uint8)
    strip = box[0]
    while strip < box[1]:
        # One row of cells at a time, row by row.
        cy = strip // CELL
        end = min(box[1], (cy + 1) * CELL)
        for cx in range(first_cell, last_cell + 1):
            cell = _cell(cy, cx, block)
            empty[cx] = 0
            for band in bands:
                empty[cx] |= remaining[band, cy, cx] == (cell[1] - cell[0]) * (cell[3] - cell[2])
        for y in range(strip, end):
            j = (y - top) // step
            phase = weights[:, y - top - j * step]
            blended = False
            for i in range(first, last + 1):
                x0, x1 = max(box[2], start + i * step), min(box[3], start + (i + 1) * step)
                count = x1 - x0
                cx0, cx1 = x0 // CELL, (x1 - 1) // CELL
                wanted = (empty[cx0] | empty[cx1]) != 0
                for band in bands:
                    wanted = wanted or _any_missing(
                        state, strides, initialised_rows, band, y, x0, all_visible, count
                    )
                if not wanted:
                    continue
                if not blended:
                    blended = True
                    for n in range(first + skipped, last + skipped + taps):
                        r = c = 0.0
                        for tap in range(taps):
                            r += phase[tap] * rows[j + skipped + tap, n]
                            c += phase[tap] * columns[j + skipped + tap, n]
                        row_nodes[n] = r - corner[0]
                        column_nodes[n] = c - corner[1]
                if not _pixel_offsets(
                    row_nodes,
                    column_nodes,
                    i + skipped,
                    x0 - start - i * step,
                    count,
                    fractions,
                    max_deviation,
                    size,
                    width,
                    stride,
                    taps,
                    offsets,
                    is_visible,
                ):
                    continue
                if visible.size:
                    for x in range(count):
                        is_visible[x] &= np.uint8(visible[y, x0 + x] != 0)
                if probe:
                    for band in bands:
                        if _any_missing(state, strides, initialised_rows, band, y, x0, is_visible, count):
                            return True
                    continue
                _gather(flat, stride, offsets, count, samples, alpha, lines, step)
                if alpha >= 0:
                    for x in range(count):
                        is_visible[x] &= np.uint8(lines[alpha * step + x] != 0)
                for k in range(samples.size):
                    band = bands[k]
                    for cx in range(cx0, cx1 + 1):
                        if initialised_rows[band, cy, cx] <= y:
                            _initialise_rows(
                                out,
                                state,
                                strides,
                                initialised_rows,
                                fill_values,
                                band,
                                cy,
                                cx,
                                block,
                                y + 1,
                                (y + 1, 0, 0),
                            )
                    o = band * strides[0] + y * strides[1] + x0
                    s = band * strides[2] + y * strides[3] + x0
                    _composite_span(
                        lines,
                        samples[k] * step,
                        is_visible,
                        count,
                        out,
                        o,
                        state,
                        s,
                        nodata[k],
                        has_nodata[k],
                        show_invalid,
                    )
        if not probe:
            update_remaining(
                state, strides, bands, remaining, initialised_rows, (strip, end, box[2], box[3]), block
            )
        strip = end
    return False
