"""Compiled loops over pixels: decoded tiles laid under what a block has.

A block's values and states come as flat views whose bands and rows lie `steps` elements apart (values' band,
values' row, states' band, states' row), so that inner loops run over contiguous memory. A pixel's state is
`MISSING` until an image shows there; `RAW` tells that what it shows is not valid. `left` (band, y, x) counts
the pixels that are not valid yet in each cell, a square of `CELL` pixels, and `begun` (band, y, x) is the
block's row up to which the cell is written: below it all pixels are missing, whatever the memory of their
values and states holds. `ground` (band) is the value of missing pixels.

A tile is (y, x, sample); `samples` are those that go to the block's `bands`, and `alpha`, unless it is -1,
the one that hides a pixel by being 0. `nodata`, one for each of them, is of the tile's type, and counts where
it is `known`; NaN never is valid. `visible` (y, x) of the block tells where an image may be seen; one of
shape (0, 0) that it may be seen everywhere.

All of them stand in one file: numba's cache of a function looks at that function's file only, and not at
those of the functions it calls.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numba
import numpy as np
from numba.extending import intrinsic

# A mask of what is missing is a block's states: there is nothing to translate.
VALID, MISSING, RAW = np.uint8(False), np.uint8(True), np.uint8(2)
CELL = 128
# Bytes that a processor fetches at once, and how many rows before they are written.
_LINE, _AHEAD = 64, 2
# More than is lost by rounding, in pixels of a tile.
_ROUNDED = 1e-6
# Bytes of the vectors that all processors have, and how many of them are worked on at once.
_VECTOR, _VECTORS = 16, 8


def compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """The function, compiled when it first meets new types, and kept on disk where that can be."""
    settings: dict[str, Any] = {"nogil": True, "error_model": "numpy", **options}
    try:
        return numba.njit(cache=True, **settings)(function)  # type: ignore[no-any-return]
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written to.
        return numba.njit(**settings)(function)  # type: ignore[no-any-return]


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `compiled`, for what compiled loops call for each few pixels: set in the place of each call, and
    without counting references to its arrays, so it may make none.

    A call takes as long as what it does, for all that arrays are made of goes through the stack, and so does
    a count: it waits until all is stored that was before.
    """
    return compiled(function, forceinline=True, _nrt=False)


def instruction(function: Callable[..., Any]) -> Any:
    """What the function, given numba's types, says in LLVM's own words; a number in a call is a type too."""
    return intrinsic(prefer_literal=True)(function)


@instruction
def _prefetch(_typing: Any, array: Any, place: Any) -> Any:
    """Have the processor fetch the memory of an element that is soon to be used; there may be none."""
    from llvmlite import ir  # type: ignore[import-untyped]
    from numba.core import cgutils, types

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        element = builder.bitcast(builder.gep(first, [arguments[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        function: Any = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        # To write, to be kept in all caches, data.
        builder.call(function, [element, number(1), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, place), code


@inlined
def _fetch_ahead(array: Any, first: int, size: int) -> None:
    """Have the memory of a run fetched that is soon to be used: rows lie so far apart that the processor
    does not foresee it.
    """
    for x in range(first, first + size, _LINE // array.itemsize):
        _prefetch(array, x)


@inlined
def _cell(cy: int, cx: int, size: Any) -> Any:
    """The box (y0, y1, x0, x1) of a cell of a block of a size (y, x)."""
    return cy * CELL, min(size[0], (cy + 1) * CELL), cx * CELL, min(size[1], (cx + 1) * CELL)


@inlined
def _set(values: Any, start: int, stop: int, value: Any) -> None:
    """Write one value into a run."""
    for n in range(np.uintp(start), np.uintp(stop)):
        values[n] = value


@inlined
def _begin(
    out: Any,
    state: Any,
    steps: Any,
    begun: Any,
    ground: Any,
    band: int,
    cy: int,
    cx: int,
    size: Any,
    end: int,
    kept: Any,
) -> None:
    """Write the rows of a cell of a block of a size (y, x) that are not written yet, up to `end`: all is
    missing. From the first row of `kept` (y, x0, x1) on the columns between are left to the caller.
    """
    first, last = cx * CELL, min(size[1], (cx + 1) * CELL)
    for y in range(begun[band, cy, cx], end):
        o, s = band * steps[0] + y * steps[1], band * steps[2] + y * steps[3]
        stop, start = (kept[1], kept[2]) if y >= kept[0] else (last, last)
        _set(out, o + first, o + stop, ground[band])
        _set(state, s + first, s + stop, MISSING)
        _set(out, o + start, o + last, ground[band])
        _set(state, s + start, s + last, MISSING)
    begun[band, cy, cx] = max(begun[band, cy, cx], end)


@compiled
def begin(out: Any, state: Any, steps: Any, begun: Any, ground: Any, size: Any) -> None:
    """Write all that is not written yet."""
    for band in range(begun.shape[0]):
        for cy in range(begun.shape[1]):
            end = min(size[0], (cy + 1) * CELL)
            for cx in range(begun.shape[2]):
                _begin(out, state, steps, begun, ground, band, cy, cx, size, end, (end, 0, 0))


@compiled
def needs(state: Any, steps: Any, bands: Any, left: Any, begun: Any, box: Any, visible: Any) -> bool:
    """Whether a box (y0, y1, x0, x1) of a block has a pixel that is visible and not valid yet in some
    band.
    """
    for cy in range(box[0] // CELL, (box[1] - 1) // CELL + 1):
        top, bottom = max(box[0], cy * CELL), min(box[1], (cy + 1) * CELL)
        for cx in range(box[2] // CELL, (box[3] - 1) // CELL + 1):
            start, stop = max(box[2], cx * CELL), min(box[3], (cx + 1) * CELL)
            for band in bands:
                if left[band, cy, cx] == 0:
                    continue
                if begun[band, cy, cx] < bottom and visible.size == 0:
                    return True
                for y in range(top, bottom):
                    first = band * steps[2] + y * steps[3]
                    row = state[first + start : first + stop]
                    any_missing = False
                    if visible.size == 0:
                        for x in range(row.size):
                            any_missing |= row[x] != VALID
                    else:
                        fresh = y >= begun[band, cy, cx]
                        seen = visible[y, start:stop]
                        for x in range(row.size):
                            any_missing |= ((row[x] != VALID) | fresh) & (seen[x] != 0)
                    if any_missing:
                        return True
    return False


@inlined
def _open(state: Any, s: int, size: int) -> Any:
    """How many of a run of states, not longer than a cell, are not valid."""
    first, count = np.uintp(s), np.uint16(0)
    for n in range(size):
        # A narrow count makes vector code.
        count = np.uint16(count + np.uint16(state[first + np.uintp(n)] != VALID))
    return np.int64(count)


@compiled
def recount(state: Any, steps: Any, bands: Any, left: Any, begun: Any, box: Any, size: Any) -> None:
    """Count again what is left in the cells that a box (y0, y1, x0, x1) of a block touches."""
    for band in bands:
        for cy in range(box[0] // CELL, (box[1] - 1) // CELL + 1):
            for cx in range(box[2] // CELL, (box[3] - 1) // CELL + 1):
                top, bottom, start, stop = _cell(cy, cx, size)
                end = min(bottom, begun[band, cy, cx])
                count = (bottom - end) * (stop - start)
                for y in range(top, end):
                    count += _open(state, band * steps[2] + y * steps[3] + start, stop - start)
                left[band, cy, cx] = count


def _zipped(builder: Any, vectors: Any, lanes: int) -> Any:
    """From vectors of whole pixels, as many as a pixel has samples, to one of each sample."""
    from llvmlite import ir

    part, samples, turns = vectors, len(vectors), lanes if len(vectors) > 1 else 1
    low = [n // 2 + lanes * (n % 2) for n in range(lanes)]
    high = [n + lanes // 2 for n in low]
    orders = [ir.Constant(ir.VectorType(ir.IntType(32), lanes), order) for order in (low, high)]
    # Each round turns the bits of all positions by one.
    while turns > 1:
        pairs = zip(part[: samples // 2], part[samples // 2 :], strict=True)
        part = [builder.shuffle_vector(one, other, order) for one, other in pairs for order in orders]
        turns //= 2
    return part


@instruction
def _sum_pixels(
    _typing: Any, flat: Any, at: Any, stride: Any, runs: Any, x: Any, width: Any, carry: Any
) -> Any:
    """Undo the differences of `_at_once` pixels of `stride` (a literal: 1, 2 or 4) samples from `at` on in
    `flat`, into runs, one for each sample, `width` elements apart, from `x` on; with a `width` of 0 (a
    literal) as pixels. `carry` are the sums of the pixels before them, and of these.
    """
    from llvmlite import ir
    from numba.core import types

    samples, size = stride.literal_value, np.dtype(flat.dtype.name).itemsize
    # A vector has one pixel at least.
    lanes, number = max(_VECTOR // size, samples), ir.IntType(32)
    value = ir.IntType(8 * size)
    whole, last = ir.VectorType(value, lanes), ir.VectorType(value, samples)
    as_pixels = getattr(width, "literal_value", None) == 0

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def pointer(array: int, kind: Any, element: Any = None) -> Any:
            first = context.make_array(signature.args[array])(context, builder, arguments[array]).data
            if element is not None:
                first = builder.gep(first, [element])
            return builder.bitcast(first, kind.as_pointer())

        def picked(one: Any, other: Any, places: Iterable[int]) -> Any:
            constant = ir.Constant(ir.VectorType(number, len(places := [*places])), places)
            return builder.shuffle_vector(one, other, constant)

        nothing, unknown = ir.Constant(whole, [0] * lanes), ir.Constant(whole, ir.Undefined)
        first = builder.load(pointer(6, last), align=size)
        # In every pixel of a vector: the sums of the one before it.
        before = picked(first, ir.Constant(last, ir.Undefined), [n % samples for n in range(lanes)])
        # All by themselves first: only one sum of each has to wait for the vector before.
        alone = []
        for n in range(_VECTORS):
            element = builder.add(arguments[1], arguments[1].type(n * lanes))
            sums = builder.load(pointer(0, whole, element), align=size)
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
                builder.store(pixels, pointer(3, whole, place), align=size)
            return context.get_dummy_value()
        for start in range(0, _VECTORS, samples):
            for sample, run in enumerate(_zipped(builder, vectors[start : start + samples], lanes)):
                place = builder.add(arguments[4], arguments[4].type(start // samples * lanes))
                place = builder.add(place, builder.mul(arguments[5], arguments[5].type(sample)))
                builder.store(run, pointer(3, whole, place), align=size)
        return context.get_dummy_value()

    return types.void(flat, at, stride, runs, x, width, carry), code


@inlined
def _at_once(array: Any, stride: int) -> Any:
    """How many pixels `_sum_pixels` does."""
    return max(_VECTOR // array.itemsize, stride) * _VECTORS // stride


@inlined
def _sum_up(
    flat: Any, at: int, stride: int, lines: Any, first: int, width: int, count: int, carry: Any
) -> None:
    """Undo the differences of `count` pixels of 1, 2 or 4 samples from `at` on in `flat`, into lines from the
    `first` element on, one for each sample, `width` elements apart; sums wrap.
    """
    for sample in range(stride):
        carry[sample] = 0
    x, step = 0, _at_once(flat, stride)
    # The number of samples is part of the instructions.
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
    step = _at_once(flat, stride) * stride
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
def _take(
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
    """The row that begins at `first` in a flattened tile from column `low` on, without the horizontal
    predictor, into lines, one for each sample, of a `width`: some samples at least.
    """
    if differences and stride in (1, 2, 4):
        _sum_up(flat, first, stride, lines, 0, width, width, carry)
        return
    # Unsigned: a signed index is looked at for being negative, which takes as long as the rest.
    step = np.uintp(stride)
    for k in range(samples.size):
        start = 0 if differences else low
        at = np.uintp(first + samples[k] + start * stride)
        line = samples[k] * width
        for x in range(np.uintp(line + start), np.uintp(line + width)):
            lines[x] = flat[at]
            at += step
        if differences:
            _sum_up(lines, line, 1, lines, line, width, width, carry)


@instruction
def _either(_typing: Any, condition: Any, one: Any, _other: Any) -> Any:
    """One of two values. Of Python's own words for it LLVM makes a branch for each pixel around its store."""

    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return one(condition, one, one), code


@inlined
def _copy(values: Any, first: Any, count: int, out: Any, o: Any) -> None:
    """Copy `count` values from `first` on to `out`, from `o` on: numba's own way takes ten times as long."""
    first, o = np.uintp(first), np.uintp(o)
    for n in range(count):
        x = np.uintp(n)
        out[o + x] = values[first + x]


@inlined
def _settle_raw(
    values: Any,
    first: Any,
    seen: Any,
    count: int,
    out: Any,
    o: Any,
    state: Any,
    s: Any,
    nodata: Any,
    known: bool,
) -> None:
    """As `_settle`; where nothing shows yet, values that are not valid do."""
    first, o, s = np.uintp(first), np.uintp(o), np.uintp(s)
    for n in range(count):
        x = np.uintp(n)
        value, old, was = values[first + x], out[o + x], state[s + x]
        valid = ((value != nodata) | (not known)) & (value == value)  # noqa: PLR0124 - NaN is not itself
        take = (was != VALID) & (seen[x] != 0) & valid
        show = (was == MISSING) & (seen[x] != 0)
        out[o + x] = _either(take | show, value, old)
        state[s + x] = _either(take, VALID, _either(show, RAW, was))


@inlined
def _settle(
    values: Any,
    first: Any,
    seen: Any,
    count: int,
    out: Any,
    o: Any,
    state: Any,
    s: Any,
    nodata: Any,
    known: bool,
) -> None:
    """Lay `count` values from `first` on under the pixels at a place in `out` and `state`; `known`: there is
    a nodata.
    """
    # No slices in what runs for each few pixels: numba counts references to them.
    first, o, s = np.uintp(first), np.uintp(o), np.uintp(s)
    for n in range(count):
        x = np.uintp(n)
        value, old, was = values[first + x], out[o + x], state[s + x]
        valid = ((value != nodata) | (not known)) & (value == value)  # noqa: PLR0124 - NaN is not itself
        take = (was != VALID) & (seen[x] != 0) & valid
        out[o + x] = _either(take, value, old)
        state[s + x] = _either(take, VALID, was)


@inlined
def _lay(
    values: Any,
    first: Any,
    seen: Any,
    count: int,
    out: Any,
    o: Any,
    state: Any,
    s: Any,
    nodata: Any,
    known: bool,
    raw: bool,
) -> None:
    """`_settle_raw` or `_settle`."""
    if raw:
        _settle_raw(values, first, seen, count, out, o, state, s, nodata, known)
    else:
        _settle(values, first, seen, count, out, o, state, s, nodata, known)


@inlined
def _fill(
    values: Any,
    first: Any,
    valid_states: Any,
    count: Any,
    out: Any,
    o: Any,
    state: Any,
    s: Any,
    nodata: Any,
    known: bool,
    ground: Any,
    raw: bool,
) -> bool:
    """As `_settle` or `_settle_raw` under pixels that are not written yet, all of them seen; whether all
    values were valid.
    """
    start = np.uintp(first)
    # Of a width that is near to the values': a flag of one bit makes slower code.
    faulty = np.uint16(0)
    for n in range(count):
        value = values[start + np.uintp(n)]
        faulty = np.uint16(faulty | np.uint16(((value == nodata) & known) | (value != value)))  # noqa: PLR0124
    if faulty == 0:
        _copy(values, first, count, out, o)
        _copy(valid_states, 0, count, state, s)
        return True
    missing, shown = RAW if raw else MISSING, np.uint8(raw)
    o, s = np.uintp(o), np.uintp(s)
    for n in range(count):
        x = np.uintp(n)
        value = values[start + x]
        valid = ((value != nodata) | (not known)) & (value == value)  # noqa: PLR0124
        out[o + x] = _either(valid | (shown != 0), value, ground)
        state[s + x] = _either(valid, VALID, missing)
    return False


@compiled
def paste(
    tile: Any,
    differences: bool,
    rows: Any,
    columns: Any,
    place: Any,
    samples: Any,
    alpha: int,
    nodata: Any,
    known: Any,
    visible: Any,
    raw: bool,
    out: Any,
    state: Any,
    steps: Any,
    bands: Any,
    left: Any,
    begun: Any,
    ground: Any,
    block: Any,
) -> None:
    """Lay a tile under a part of a block that is parallel to it.

    The part starts at `place` (y, x) of the block; its pixels take the tile's `rows` and `columns`.
    `differences`: the tile still has its horizontal predictor.
    """
    width, stride = columns.size, tile.shape[2]
    low, high = min(columns[0], columns[-1]), max(columns[0], columns[-1])
    unit = high - low == width - 1
    for x in range(width):
        unit &= columns[x] == low + x
    taken = samples if alpha < 0 else np.append(samples, alpha)
    flat = tile.reshape(tile.size)
    # Up to where whole vectors reach.
    reach = min(tile.shape[1], (high // _LINE + 1) * _LINE)
    # A line for each sample, and one for what is picked of them.
    lines = np.empty(stride * reach + width, tile.dtype)
    carry = np.empty(stride, tile.dtype)
    valid_states = np.full(width, VALID)
    seen = np.ones(width, np.uint8)
    everywhere = alpha < 0 and visible.size == 0
    bottom, right = place[0] + rows.size, place[1] + width
    open_bands = np.zeros(samples.size, np.uint8)
    whole = np.zeros(samples.size, np.uint8)
    # From which to which column, counted from the part's first, nothing is written yet.
    blank = np.zeros((samples.size, 2), np.int64)
    first_cell, last_cell = place[1] // CELL, (right - 1) // CELL
    top = place[0]
    while top < bottom:
        # Row by row through a row of cells.
        cy = top // CELL
        end = min(bottom, (cy + 1) * CELL)
        for i in range(samples.size):
            open_bands[i], whole[i] = 0, 1
            start = stop = 0
            for cx in range(first_cell, last_cell + 1):
                open_bands[i] |= left[bands[i], cy, cx] != 0
                kept = (end, 0, 0)
                if everywhere and begun[bands[i], cy, cx] <= top:
                    x0, x1 = max(place[1], cx * CELL), min(right, (cx + 1) * CELL)
                    if start == stop:
                        start = stop = x0 - place[1]
                    if place[1] + stop == x0:
                        stop = x1 - place[1]
                        kept = (top, x0, x1)
                _begin(out, state, steps, begun, ground, bands[i], cy, cx, block, end, kept)
            blank[i, 0], blank[i, 1] = start, stop
        for y in range(top, end):
            ahead = y + _AHEAD
            if ahead < bottom:
                for i in range(samples.size):
                    o = bands[i] * steps[0] + ahead * steps[1] + place[1]
                    s = bands[i] * steps[2] + ahead * steps[3] + place[1]
                    _fetch_ahead(out, o, width)
                    _fetch_ahead(state, s, width)
            row = rows[y - place[0]] * tile.shape[1] * stride
            _take(flat, row, taken, stride, differences, low, lines, reach, carry)
            if visible.size:
                _copy(visible[y], place[1], width, seen, 0)
            if alpha >= 0:
                for x in range(width):
                    shown = lines[alpha * reach + columns[x]] != 0
                    seen[x] = shown if visible.size == 0 else seen[x] & shown
            for i in range(samples.size):
                if not open_bands[i]:
                    continue
                # No other names for arrays in what runs for each row: to count references to them numba
                # waits until all that was stored before is there.
                first = samples[i] * reach + low
                if not unit:
                    for x in range(width):
                        lines[stride * reach + x] = lines[first + columns[x] - low]
                    first = stride * reach
                o = bands[i] * steps[0] + y * steps[1] + place[1]
                s = bands[i] * steps[2] + y * steps[3] + place[1]
                start, stop = blank[i, 0], blank[i, 1]
                if start < stop:
                    whole[i] &= _fill(
                        lines,
                        first + start,
                        valid_states,
                        stop - start,
                        out,
                        o + start,
                        state,
                        s + start,
                        nodata[i],
                        known[i],
                        ground[bands[i]],
                        raw,
                    )
                    # What is left of and right of them; all of it is seen.
                    _lay(lines, first, seen, start, out, o, state, s, nodata[i], known[i], raw)
                count = width - stop
                _lay(
                    lines,
                    first + stop,
                    seen,
                    count,
                    out,
                    o + stop,
                    state,
                    s + stop,
                    nodata[i],
                    known[i],
                    raw,
                )
        for i in range(samples.size):
            start, stop = place[1] + blank[i, 0], place[1] + blank[i, 1]
            if not whole[i]:
                start = stop = place[1]
            elif start < stop:
                for cx in range(start // CELL, (stop - 1) // CELL + 1):
                    cell = _cell(cy, cx, block)
                    left[bands[i], cy, cx] -= (end - top) * (min(stop, cell[3]) - max(start, cell[2]))
            for box in ((top, end, place[1], start), (top, end, stop, right)):
                if box[2] < box[3]:
                    recount(state, steps, bands[i : i + 1], left, begun, box, block)
        top = end


@compiled
def boxes(
    rows: Any, columns: Any, frame: Any, bulge: Any, size: Any, tile: Any, source: Any, found: Any
) -> None:
    """The box (y0, y1, x0, x1) of a block's pixels that may lie in each of a source's tiles.

    `rows` and `columns` are the source's at the nodes of a lattice over the block: see `warp`. Between
    nodes they are off a straight line by no more than `bulge` (y, x). `size`, `tile` and `source` are (y,
    x) of the block, a tile and the source. `found` (tile row, tile column, 4) holds empty boxes at first.
    """
    step, top, start, taps = frame
    base = 0 if taps == 1 else 1
    reach = 0 if taps == 1 else 1
    for j in range((size[0] - 1 - top) // step + 1):
        y0, y1 = max(0, top + j * step), min(size[0], top + (j + 1) * step)
        for i in range((size[1] - 1 - start) // step + 1):
            x0, x1 = max(0, start + i * step), min(size[1], start + (i + 1) * step)
            low_r = high_r = rows[j + base, i + base]
            low_c = high_c = columns[j + base, i + base]
            for dj in range(reach + 1):
                for di in range(reach + 1):
                    r, c = rows[j + base + dj, i + base + di], columns[j + base + dj, i + base + di]
                    low_r, high_r = min(low_r, r), max(high_r, r)
                    low_c, high_c = min(low_c, c), max(high_c, c)
            low_r, high_r, low_c, high_c = (
                low_r - bulge[0],
                high_r + bulge[0],
                low_c - bulge[1],
                high_c + bulge[1],
            )
            # False as well where a coordinate is none (NaN).
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
def _along(values: Any, node: int, taps: int) -> Any:
    """What multiplies the powers of a place, from 0 to 1, between the inner two of the nodes from one on."""
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
def _stays(p0: float, p1: float, p2: float, p3: float, size: float) -> bool:
    """Whether a coordinate, by powers of a place from 0 to 1, never leaves the pixels from 0 to `size`."""
    # No cubic is farther off the line between its ends; what is no number is nowhere.
    off = (abs(p2) + 2.0 * abs(p3)) / 4.0 + _ROUNDED
    end = p0 + p1 + p2 + p3
    return min(p0, end) - off >= 0.0 and max(p0, end) + off < size and off + p0 + end < np.inf


@inlined
def _places(
    rows: Any,
    columns: Any,
    node: int,
    first: int,
    count: int,
    parts: Any,
    bulge: Any,
    size: Any,
    width: int,
    stride: int,
    taps: int,
    places: Any,
    seen: Any,
) -> bool:
    """Where in a flattened tile the first samples of a run of pixels are, and whether there; False if
    certainly none is.

    The run is between nodes of one line of a lattice, of `count` pixels from the `first` on, whose places
    between nodes are in `parts`: `rows` and `columns` are counted from the tile's corner, and `node` is the
    first one that counts.
    """
    near, far = node + max(0, taps // 2 - 1), node + taps // 2
    if (
        max(rows[near], rows[far]) + bulge[0] < 0
        or min(rows[near], rows[far]) - bulge[0] >= size[0]
        or max(columns[near], columns[far]) + bulge[1] < 0
        or min(columns[near], columns[far]) - bulge[1] >= size[1]
    ):
        return False
    r0, r1, r2, r3 = _along(rows, node, taps)
    c0, c1, c2, c3 = _along(columns, node, taps)
    height, across = float(size[0]), float(size[1])
    if _stays(r0, r1, r2, r3, height) and _stays(c0, c1, c2, c3, across):
        for x in range(count):
            # Unsigned, as in `_take`.
            t = parts[np.uintp(first) + np.uintp(x)]
            r = r0 + t * (r1 + t * (r2 + t * r3))
            c = c0 + t * (c1 + t * (c2 + t * c3))
            places[x] = (np.int32(r) * np.int32(width) + np.int32(c)) * np.int32(stride)
            seen[x] = 1
        return True
    for x in range(count):
        t = parts[np.uintp(first) + np.uintp(x)]
        r = r0 + t * (r1 + t * (r2 + t * r3))
        c = c0 + t * (c1 + t * (c2 + t * c3))
        # False as well where a coordinate is none (NaN).
        within = (r >= 0.0) & (r < height) & (c >= 0.0) & (c < across)
        place = (np.int32(r) * np.int32(width) + np.int32(c)) * np.int32(stride)
        places[x] = place if within else np.int32(0)
        seen[x] = within
    return True


@instruction
def _gather_pixels(
    _typing: Any, flat: Any, stride: Any, places: Any, first: Any, runs: Any, width: Any
) -> Any:
    """All samples of `_gathered` pixels of `stride` (a literal: 2 or 4) samples at places from the `first`
    on, into runs, one for each sample, `width` elements apart.
    """
    from llvmlite import ir
    from numba.core import types

    samples, size = stride.literal_value, np.dtype(flat.dtype.name).itemsize
    lanes, value = max(_VECTOR // size, samples), ir.IntType(8 * size)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = [
            None if n in (1, 3, 5) else context.make_array(kind)(context, builder, arguments[n]).data
            for n, kind in enumerate(signature.args)
        ]
        parts = []
        for n in range(lanes):
            at = builder.add(arguments[3], arguments[3].type(n))
            place = builder.zext(builder.load(builder.gep(data[2], [at])), arguments[3].type)
            kind = ir.VectorType(value, samples).as_pointer()
            parts.append(builder.load(builder.bitcast(builder.gep(data[0], [place]), kind), align=size))
        while len(parts) > samples:
            both = ir.VectorType(ir.IntType(32), 2 * parts[0].type.count)
            order = ir.Constant(both, [*range(both.count)])
            pairs = zip(parts[::2], parts[1::2], strict=True)
            parts = [builder.shuffle_vector(one, other, order) for one, other in pairs]
        for sample, run in enumerate(_zipped(builder, parts, lanes)):
            at = builder.add(arguments[3], builder.mul(arguments[5], arguments[5].type(sample)))
            kind = ir.VectorType(value, lanes).as_pointer()
            builder.store(run, builder.bitcast(builder.gep(data[4], [at]), kind), align=size)
        return context.get_dummy_value()

    return types.void(flat, stride, places, first, runs, width), code


@inlined
def _gather(
    flat: Any, stride: int, places: Any, count: int, samples: Any, alpha: int, lines: Any, width: int
) -> None:
    """Samples of `count` pixels at places in a flattened tile, into lines, one for each of its samples,
    `width` elements apart: those that are wanted, and alpha, at least.
    """
    whole = 0
    # The number of samples is part of the instructions.
    if stride == 4:
        while whole + _gathered(flat, 4) <= count:
            _gather_pixels(flat, 4, places, whole, lines, width)
            whole += _gathered(flat, 4)
    elif stride == 2:
        while whole + _gathered(flat, 2) <= count:
            _gather_pixels(flat, 2, places, whole, lines, width)
            whole += _gathered(flat, 2)
    if whole == count:
        return
    for k in range(samples.size + (alpha >= 0)):
        sample = samples[k] if k < samples.size else alpha
        for x in range(whole, count):
            at = np.uintp(sample * width + x)
            lines[at] = flat[np.uintp(places[np.uintp(x)]) + np.uintp(sample)]


@inlined
def _gathered(array: Any, stride: int) -> Any:
    """How many pixels `_gather_pixels` takes."""
    return max(_VECTOR // array.itemsize, stride)


@inlined
def _any_wanted(state: Any, steps: Any, begun: Any, band: int, y: int, x: int, seen: Any, count: int) -> bool:
    """Whether any pixel of a run of a row of a block, of `count` from `x` on, that is seen is not valid
    yet.
    """
    found = np.uint8(0)
    start, stop, row = x, x + count, band * steps[2] + y * steps[3]
    while start < stop:
        # The run's part in one cell.
        end = min(stop, (start // CELL + 1) * CELL)
        i, s = np.uintp(start - x), np.uintp(row + start)
        if y >= begun[band, y // CELL, start // CELL]:
            for n in range(end - start):
                found = np.uint8(found | seen[i + np.uintp(n)])
        else:
            for n in range(end - start):
                missing = np.uint8(state[s + np.uintp(n)] != VALID)
                # Back to a byte at each step: numba's results are wider, and so is what LLVM makes of them.
                found = np.uint8(found | np.uint8(missing & seen[i + np.uintp(n)]))
        start = end
    return bool(found != 0)


@compiled
def warp(
    tile: Any,
    corner: Any,
    size: Any,
    rows: Any,
    columns: Any,
    frame: Any,
    bulge: Any,
    weights: Any,
    box: Any,
    samples: Any,
    alpha: int,
    nodata: Any,
    known: Any,
    visible: Any,
    raw: bool,
    out: Any,
    state: Any,
    steps: Any,
    bands: Any,
    left: Any,
    begun: Any,
    ground: Any,
    block: Any,
    probe: bool,
) -> bool:
    """Lay a tile under the pixels in a box of a block that lie in it, by a lattice of the source's
    coordinates.

    The tile's `corner` and `size` (y, x) are in the source's pixels. `frame` is (step, top, start, taps):
    nodes lie `step` pixels of the block apart, the second from `top` and `start` on, and a pixel is made of
    `taps` nodes each way by the `weights` (tap, place between nodes); with a single tap every pixel has a
    node of its own.

    With `probe` nothing is laid: whether a pixel that is not valid yet lies in the tile.
    """
    step, top, start, taps = frame
    skipped = 2 - taps // 2 if taps > 1 else 0
    first, last = (box[2] - start) // step, (box[3] - 1 - start) // step
    row_nodes = np.empty(rows.shape[1])
    column_nodes = np.empty(rows.shape[1])
    width, stride = tile.shape[1], tile.shape[2]
    flat = tile.reshape(tile.size)
    places = np.empty(step, np.int32)
    seen = np.empty(step, np.uint8)
    everywhere = np.ones(step, np.uint8)
    parts = np.arange(step) / step
    lines = np.empty(stride * step, tile.dtype)
    first_cell, last_cell = box[2] // CELL, (box[3] - 1) // CELL
    # Where all pixels of some band are missing: no pixel is laid twice in a call.
    empty = np.zeros(last_cell + 1, np.uint8)
    strip = box[0]
    while strip < box[1]:
        # Row by row through a row of cells.
        cy = strip // CELL
        end = min(box[1], (cy + 1) * CELL)
        for cx in range(first_cell, last_cell + 1):
            cell = _cell(cy, cx, block)
            empty[cx] = 0
            for band in bands:
                empty[cx] |= left[band, cy, cx] == (cell[1] - cell[0]) * (cell[3] - cell[2])
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
                    wanted = wanted or _any_wanted(state, steps, begun, band, y, x0, everywhere, count)
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
                if not _places(
                    row_nodes,
                    column_nodes,
                    i + skipped,
                    x0 - start - i * step,
                    count,
                    parts,
                    bulge,
                    size,
                    width,
                    stride,
                    taps,
                    places,
                    seen,
                ):
                    continue
                if visible.size:
                    for x in range(count):
                        seen[x] &= np.uint8(visible[y, x0 + x] != 0)
                if probe:
                    for band in bands:
                        if _any_wanted(state, steps, begun, band, y, x0, seen, count):
                            return True
                    continue
                _gather(flat, stride, places, count, samples, alpha, lines, step)
                if alpha >= 0:
                    for x in range(count):
                        seen[x] &= np.uint8(lines[alpha * step + x] != 0)
                for k in range(samples.size):
                    band = bands[k]
                    for cx in range(cx0, cx1 + 1):
                        if begun[band, cy, cx] <= y:
                            _begin(
                                out, state, steps, begun, ground, band, cy, cx, block, y + 1, (y + 1, 0, 0)
                            )
                    o = band * steps[0] + y * steps[1] + x0
                    s = band * steps[2] + y * steps[3] + x0
                    _lay(lines, samples[k] * step, seen, count, out, o, state, s, nodata[k], known[k], raw)
        if not probe:
            recount(state, steps, bands, left, begun, (strip, end, box[2], box[3]), block)
        strip = end
    return False
