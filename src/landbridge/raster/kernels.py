"""Compiled loops over pixels: decoded tiles laid under what a block has.

A block's values and states come as flat views whose bands and rows lie `steps` elements apart (values' band,
values' row, states' band, states' row), so that inner loops run over contiguous memory. A pixel's state is
`MISSING` until an image shows there; `RAW` tells that what it shows is not valid. `left` (band, y, x) counts
the pixels that are not valid yet in each square of `CELL` pixels, and `fresh` (band, y, x) tells of those
of which nothing was written yet: all of their pixels are missing, whatever the memory of their values and
states holds. `ground` (band) is the value of missing pixels.

A tile is (y, x, sample); `samples` are those that go to the block's `bands`, and `alpha`, unless it is -1,
the one that hides a pixel by being 0. `nodata`, one for each of them, is of a type that also has a value to
say that there is none: a number that the tile's type cannot hold, or NaN. `visible` (y, x) of the block
tells where an image may be seen; one of shape (0, 0) that it may be seen everywhere.

All of them stand in one file: numba's cache of a function looks at that function's file only, and not at
those of the functions it calls.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.extending import intrinsic

VALID, MISSING, RAW = np.uint8(0), np.uint8(1), np.uint8(2)
CELL = 128
# Bytes that a processor fetches at once, and how many rows before they are written.
_LINE, _AHEAD = 64, 2
# Values that are added up at once.
_LANES = 16


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, compiled when it first meets new types, and kept on disk where that can be."""
    try:
        return numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written to.
        return numba.njit(nogil=True, error_model="numpy")(function)


def instruction(function: Callable[..., Any]) -> Any:
    """What the function, given numba's types, says in LLVM's own words; a number in a call is a type too."""
    return intrinsic(prefer_literal=True)(function)


@instruction
def _prefetch(_typing: Any, array: Any, place: Any) -> Any:
    """Have the processor fetch the memory of an element that is soon to be written."""
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


@compiled
def _fetch_ahead(array: Any, first: int, size: int) -> None:
    """Have the memory of a run fetched that is soon to be written: rows lie so far apart that the processor
    does not foresee it.
    """
    for x in range(first, first + size, _LINE // array.itemsize):
        _prefetch(array, x)


@compiled
def _begin(
    out: Any, state: Any, steps: Any, fresh: Any, ground: Any, band: int, cy: int, cx: int, size: Any
) -> None:
    """Write a fresh cell of a block of a size (y, x): all is missing."""
    fresh[band, cy, cx] = 0
    stop = min(size[1], (cx + 1) * CELL)
    for y in range(cy * CELL, min(size[0], (cy + 1) * CELL)):
        first = band * steps[0] + y * steps[1]
        out[first + cx * CELL : first + stop] = ground[band]
        first = band * steps[2] + y * steps[3]
        state[first + cx * CELL : first + stop] = MISSING


@compiled
def begin(out: Any, state: Any, steps: Any, fresh: Any, ground: Any, size: Any) -> None:
    """Write all fresh cells."""
    for band in range(fresh.shape[0]):
        for cy in range(fresh.shape[1]):
            for cx in range(fresh.shape[2]):
                if fresh[band, cy, cx]:
                    _begin(out, state, steps, fresh, ground, band, cy, cx, size)


@compiled
def needs(
    out: Any,
    state: Any,
    steps: Any,
    bands: Any,
    left: Any,
    fresh: Any,
    ground: Any,
    size: Any,
    box: Any,
    visible: Any,
) -> bool:
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
                if fresh[band, cy, cx]:
                    if visible.size == 0:
                        return True
                    _begin(out, state, steps, fresh, ground, band, cy, cx, size)
                for y in range(top, bottom):
                    first = band * steps[2] + y * steps[3]
                    row = state[first + start : first + stop]
                    any_missing = False
                    if visible.size == 0:
                        for x in range(row.size):
                            any_missing |= row[x] != VALID
                    else:
                        seen = visible[y, start:stop]
                        for x in range(row.size):
                            any_missing |= (row[x] != VALID) & (seen[x] != 0)
                    if any_missing:
                        return True
    return False


@compiled
def _open(state: Any) -> Any:
    """How many of a run of states, not longer than a cell, are not valid: a narrow count makes vector
    code.
    """
    count = np.uint16(0)
    for x in range(state.size):
        count = np.uint16(count + np.uint16(state[x] != VALID))
    return np.int64(count)


@compiled
def recount(state: Any, steps: Any, bands: Any, left: Any, box: Any, size: Any) -> None:
    """Count again what is left in the cells that a box (y0, y1, x0, x1) of a block touches."""
    for band in bands:
        for cy in range(box[0] // CELL, (box[1] - 1) // CELL + 1):
            for cx in range(box[2] // CELL, (box[3] - 1) // CELL + 1):
                count = 0
                stop = min(size[1], (cx + 1) * CELL)
                for y in range(cy * CELL, min(size[0], (cy + 1) * CELL)):
                    first = band * steps[2] + y * steps[3]
                    count += _open(state[first + cx * CELL : first + stop])
                left[band, cy, cx] = count


@compiled
def undo_differences(tile: Any, samples: Any, first: int, last: int) -> None:
    """Undo TIFF's horizontal predictor of some samples in rows of a tile, in place; sums wrap."""
    width, stride = tile.shape[1], tile.shape[2]
    for y in range(first, last):
        row = tile[y].reshape(width * stride)
        for sample in samples:
            # In a register: reading back what was just written takes longer.
            total = np.uint64(0)
            at = np.uintp(sample)
            for _ in range(width):
                total += np.uint64(row[at])
                row[at] = total
                at += np.uintp(stride)


@instruction
def _sum_lanes(_typing: Any, flat: Any, at: Any, stride: Any, run: Any, x: Any, total: Any) -> Any:
    """Undo the differences of `_LANES` values, `stride` (a literal) apart from `at` on in `flat`, into a run
    at `x`, all at once; `total`, the sum of those before them, and of these.
    """
    from llvmlite import ir
    from numba.core import types

    step = stride.literal_value
    lane, index = ir.IntType(8 * np.dtype(flat.dtype.name).itemsize), ir.VectorType(ir.IntType(32), _LANES)
    line, wide = ir.VectorType(lane, _LANES), ir.VectorType(lane, _LANES * step)
    zeros = ir.Constant(line, [0] * _LANES)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def pointer(array: int, kind: Any) -> Any:
            first = context.make_array(signature.args[array])(context, builder, arguments[array]).data
            element = builder.gep(first, [arguments[array + 1]])
            return builder.bitcast(element, kind.as_pointer())

        def picked(one: Any, other: Any, places: list[int]) -> Any:
            return builder.shuffle_vector(one, other, ir.Constant(index, places))

        loaded = builder.load(pointer(0, wide), align=lane.width // 8)
        sums = picked(loaded, ir.Constant(wide, ir.Undefined), [n * step for n in range(_LANES)])
        for by in (1, 2, 4, 8):
            moved = picked(sums, zeros, [n - by if n >= by else _LANES for n in range(_LANES)])
            sums = builder.add(sums, moved)
        before = builder.insert_element(zeros, builder.trunc(arguments[5], lane), ir.IntType(32)(0))
        before = picked(before, zeros, [0] * _LANES)
        builder.store(builder.add(sums, before), pointer(3, line), align=lane.width // 8)
        last = builder.extract_element(sums, ir.IntType(32)(_LANES - 1))
        return builder.add(arguments[5], builder.zext(last, arguments[5].type))

    return types.uint64(flat, at, stride, run, x, total), code


@compiled
def _sum_up(flat: Any, at: Any, stride: int, total: Any, run: Any) -> None:
    """Undo the differences of values `stride` apart from `at` on in `flat`; sums wrap."""
    # No further than the array goes: lanes are read with all that lies between them.
    whole = min(run.size // _LANES, (flat.size - np.intp(at)) // (_LANES * stride)) * _LANES
    step, x = np.uintp(stride), 0
    ahead = np.uintp(_LANES) * step
    if stride == 1:
        while x < whole:
            total = _sum_lanes(flat, at, 1, run, x, total)
            at += ahead
            x += _LANES
    elif stride == 3:
        while x < whole:
            total = _sum_lanes(flat, at, 3, run, x, total)
            at += ahead
            x += _LANES
    elif stride == 4:
        while x < whole:
            total = _sum_lanes(flat, at, 4, run, x, total)
            at += ahead
            x += _LANES
    for i in range(x, run.size):
        total += np.uint64(flat[at])
        run[i] = total
        at += step


@compiled
def _take(
    flat: Any, first: int, samples: Any, stride: int, differences: bool, low: int, count: int, runs: Any
) -> None:
    """`count` values from column `low` of a row on, which begins at `first` in a flattened tile, one run for
    each sample, without the horizontal predictor.
    """
    # Unsigned: a signed index is looked at for being negative, which takes as long as the rest.
    step = np.uintp(stride)
    for n in range(samples.size):
        run, at = runs[n], np.uintp(first + samples[n])
        if differences:
            total = np.uint64(0)
            for _ in range(low):
                total += np.uint64(flat[at])
                at += step
            _sum_up(flat, at, stride, total, run[:count])
        else:
            at += np.uintp(low) * step
            for x in range(count):
                run[x] = flat[at]
                at += step


@compiled
def _settle_raw(
    values: Any, seen: Any, count: int, out: Any, o: int, state: Any, s: int, nodata: Any
) -> None:
    """As `_settle`; where nothing shows yet, values that are not valid do."""
    out, state = out[o : o + count], state[s : s + count]
    for x in range(count):
        value = values[x]
        if state[x] != VALID and seen[x] != 0:
            if value != nodata and value == value:  # noqa: PLR0124 - NaN is not itself
                out[x] = value
                state[x] = VALID
            elif state[x] == MISSING:
                out[x] = value
                state[x] = RAW


@compiled
def _settle(values: Any, seen: Any, count: int, out: Any, o: int, state: Any, s: int, nodata: Any) -> None:
    """Lay a run of so many values under the pixels at a place in `out` and `state`: without branches, which
    makes vector code.
    """
    out, state = out[o : o + count], state[s : s + count]
    for x in range(count):
        value = values[x]
        take = (state[x] != VALID) & (seen[x] != 0) & (value != nodata) & (value == value)  # noqa: PLR0124
        out[x] = value if take else out[x]
        state[x] = VALID if take else state[x]


@compiled
def _fill(
    values: Any, count: int, out: Any, o: int, state: Any, s: int, nodata: Any, ground: Any, raw: bool
) -> bool:
    """As `_settle` or `_settle_raw` under pixels that are fresh and seen; whether all values were valid."""
    out, state = out[o : o + count], state[s : s + count]
    faulty = False
    for x in range(count):
        value = values[x]
        faulty |= (value == nodata) | (value != value)  # noqa: PLR0124 - NaN is not itself
    if not faulty:
        out[:] = values[:count]
        state[:] = VALID
        return True
    for x in range(count):
        value = values[x]
        valid = (value != nodata) & (value == value)  # noqa: PLR0124
        out[x] = value if raw or valid else ground
        state[x] = VALID if valid else RAW if raw else MISSING
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
    visible: Any,
    raw: bool,
    out: Any,
    state: Any,
    steps: Any,
    bands: Any,
    left: Any,
    fresh: Any,
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
    alphas = np.empty(1, np.intp)
    alphas[0] = alpha
    flat, span = tile.reshape(tile.size), high - low + 1
    runs = np.empty((samples.size, span), tile.dtype)
    alpha_run = np.empty((1, span), tile.dtype)
    gathered = np.empty(width, tile.dtype)
    seen = np.ones(width, np.uint8)
    bottom, right = place[0] + rows.size, place[1] + width
    open_bands = np.zeros(samples.size, np.uint8)
    blank = np.zeros(samples.size, np.uint8)
    whole = np.zeros(samples.size, np.uint8)
    first_cell, last_cell = place[1] // CELL, (right - 1) // CELL
    across = unit and alpha < 0 and visible.size == 0
    across &= place[1] % CELL == 0 and (right % CELL == 0 or right == block[1])
    top = place[0]
    while top < bottom:
        # Row by row through a row of cells.
        cy = top // CELL
        end = min(bottom, (cy + 1) * CELL)
        covered = across and top == cy * CELL and end == min(block[0], (cy + 1) * CELL)
        for i in range(samples.size):
            open_bands[i], blank[i], whole[i] = 0, covered, 1
            for cx in range(first_cell, last_cell + 1):
                blank[i] &= fresh[bands[i], cy, cx]
            for cx in range(first_cell, last_cell + 1):
                if blank[i]:
                    fresh[bands[i], cy, cx] = 0
                elif fresh[bands[i], cy, cx]:
                    _begin(out, state, steps, fresh, ground, bands[i], cy, cx, block)
                open_bands[i] |= left[bands[i], cy, cx] != 0
        for y in range(top, end):
            ahead = y + _AHEAD
            if ahead < bottom:
                for i in range(samples.size):
                    _fetch_ahead(out, bands[i] * steps[0] + ahead * steps[1] + place[1], width)
                    _fetch_ahead(state, bands[i] * steps[2] + ahead * steps[3] + place[1], width)
            row = rows[y - place[0]] * tile.shape[1] * stride
            _take(flat, row, samples, stride, differences, low, span, runs)
            if visible.size:
                seen[:] = visible[y, place[1] : right]
            if alpha >= 0:
                _take(flat, row, alphas, stride, differences, low, span, alpha_run)
                for x in range(width):
                    shown = alpha_run[0, columns[x] - low] != 0
                    seen[x] = shown if visible.size == 0 else seen[x] & shown
            for i in range(samples.size):
                if not open_bands[i]:
                    continue
                values = runs[i]
                if not unit:
                    for x in range(width):
                        gathered[x] = values[columns[x] - low]
                    values = gathered
                o = bands[i] * steps[0] + y * steps[1] + place[1]
                s = bands[i] * steps[2] + y * steps[3] + place[1]
                if blank[i]:
                    whole[i] &= _fill(values, width, out, o, state, s, nodata[i], ground[bands[i]], raw)
                elif raw:
                    _settle_raw(values, seen, width, out, o, state, s, nodata[i])
                else:
                    _settle(values, seen, width, out, o, state, s, nodata[i])
        for i in range(samples.size):
            if blank[i] and whole[i]:
                left[bands[i], cy, first_cell : last_cell + 1] = 0
            else:
                recount(state, steps, bands[i : i + 1], left, (top, end, place[1], right), block)
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


@compiled
def _along(values: Any, taps: int) -> Any:
    """What multiplies the powers of a place, from 0 to 1, between the inner two of neighboring nodes."""
    if taps == 1:
        return values[0], 0.0, 0.0, 0.0
    if taps == 2:
        return values[0], values[1] - values[0], 0.0, 0.0
    before, near, far, after = values[0], values[1], values[2], values[3]
    return (
        near,
        far - before / 3.0 - near / 2.0 - after / 6.0,
        (before + far) / 2.0 - near,
        (after - before) / 6.0 + (near - far) / 2.0,
    )


@compiled
def _places(
    rows: Any,
    columns: Any,
    node: int,
    first: int,
    count: int,
    step: int,
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

    The run is between nodes of one line of a lattice, of `count` pixels from the `first` of `step` on:
    `rows` and `columns` are counted from the tile's corner, and `node` is the first one that counts.
    """
    rows, columns = rows[node : node + taps], columns[node : node + taps]
    near, far = max(0, taps // 2 - 1), taps // 2
    if (
        max(rows[near], rows[far]) + bulge[0] < 0
        or min(rows[near], rows[far]) - bulge[0] >= size[0]
        or max(columns[near], columns[far]) + bulge[1] < 0
        or min(columns[near], columns[far]) - bulge[1] >= size[1]
    ):
        return False
    r0, r1, r2, r3 = _along(rows, taps)
    c0, c1, c2, c3 = _along(columns, taps)
    height, across = float(size[0]), float(size[1])
    for x in range(count):
        t = (first + x) / step
        r = r0 + t * (r1 + t * (r2 + t * r3))
        c = c0 + t * (c1 + t * (c2 + t * c3))
        # False as well where a coordinate is none (NaN).
        inside = (r >= 0.0) & (r < height) & (c >= 0.0) & (c < across)
        place = (np.int32(r) * np.int32(width) + np.int32(c)) * np.int32(stride)
        places[x] = place if inside else np.int32(0)
        seen[x] = inside
    return True


@compiled
def _gather(flat: Any, places: Any, count: int, sample: int, values: Any) -> None:
    """One sample of pixels at places."""
    for x in range(count):
        values[x] = flat[np.uintp(places[x]) + np.uintp(sample)]


@compiled
def _any_open(state: Any, s: int, count: int, seen: Any) -> bool:
    """Whether any pixel of a run that is seen is not valid yet."""
    state = state[s : s + count]
    found = np.uint8(0)
    for x in range(count):
        found |= np.uint8(state[x] != VALID) & seen[x]
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
    visible: Any,
    raw: bool,
    out: Any,
    state: Any,
    steps: Any,
    bands: Any,
    left: Any,
    fresh: Any,
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
    values = np.empty(step, tile.dtype)
    for y in range(box[0], box[1]):
        j = (y - top) // step
        phase = weights[:, y - top - j * step]
        blended = False
        for i in range(first, last + 1):
            x0, x1 = max(box[2], start + i * step), min(box[3], start + (i + 1) * step)
            count = x1 - x0
            wanted = False
            for k in range(samples.size):
                for cell in range(x0 // CELL, (x1 - 1) // CELL + 1):
                    if fresh[bands[k], y // CELL, cell]:
                        _begin(out, state, steps, fresh, ground, bands[k], y // CELL, cell, block)
                s = bands[k] * steps[2] + y * steps[3] + x0
                wanted |= _any_open(state, s, count, everywhere)
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
                step,
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
            if not probe and alpha >= 0:
                _gather(flat, places, count, alpha, values)
                for x in range(count):
                    seen[x] &= np.uint8(values[x] != 0)
            for k in range(samples.size):
                o = bands[k] * steps[0] + y * steps[1] + x0
                s = bands[k] * steps[2] + y * steps[3] + x0
                if probe:
                    if _any_open(state, s, count, seen):
                        return True
                    continue
                _gather(flat, places, count, samples[k], values)
                if raw:
                    _settle_raw(values, seen, count, out, o, state, s, nodata[k])
                else:
                    _settle(values, seen, count, out, o, state, s, nodata[k])
    if not probe:
        recount(state, steps, bands, left, box, block)
    return False
