"""Triton kernels of the search: a product of two sides that keeps only what passes a threshold.

A candidate is one int64 key, the order of its score above, the complement of its index below, so
"better" is one comparison and no two candidates of a vector are equal: lists do not depend on the
order in which they were filled. Sides are padded (see `Side`), so no tile has an edge.
"""

import triton
import triton.language as tl

EMPTY_KEY = -(2**63)  # below every key of a number
CLOSED_KEY = 2**63 - 1  # above them: nothing passes it
EMPTY = tl.constexpr(EMPTY_KEY)
CLOSED = tl.constexpr(CLOSED_KEY)
INDEX_MASK = tl.constexpr(2**32 - 1)
# A hit is looked for by halving the tile down to so many columns: branches on larger pieces make
# the compiler spill the accumulators.
LEAF = tl.constexpr(16)


# Sizes of the data: a kernel is compiled once for all of them.
COUNTS = [
    "num_row_tiles", "num_column_tiles", "first_band", "num_bands", "first_row", "first_column",
    "num_rows", "num_columns", "num_padded", "num_steps", "width", "keep", "capacity", "x_room",
    "y_room",
]  # fmt: skip


@triton.jit
def ordered_bits(score):
    """Integers in the order of the scores; -0.0 counts as 0.0."""
    bits = tl.where(score == 0, 0.0, score).to(tl.int32, bitcast=True)
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


@triton.jit
def make_key(score, index):
    return (ordered_bits(score).to(tl.int64) << 32) | (INDEX_MASK - index)


@triton.jit
def score_of(key):
    ordered = (key >> 32).to(tl.int32)
    score = (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).to(tl.float32, bitcast=True)
    return tl.where(key == EMPTY, float("-inf"), tl.where(key == CLOSED, float("inf"), score))


@triton.jit(do_not_specialize=COUNTS)
def prepare(
    vectors, ids, factors, rounded, norms, num_padded, width, num_steps,
    ROWS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """Row p of `rounded` is vector ids[p] times its factor (no vector if ids[p] < 0: zeros).

    norms: (3, padded) lengths of the scaled vector, of the rounded one, and of their difference.
    """
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    row_ids = tl.load(ids + rows)
    limits = tl.where(row_ids >= 0, width, 0)[:, None]
    factor = tl.load(factors + tl.maximum(row_ids, 0))[:, None]
    exact_square = tl.zeros((ROWS, DEPTH), tl.float64)
    rounded_square = tl.zeros((ROWS, DEPTH), tl.float64)
    lost_square = tl.zeros((ROWS, DEPTH), tl.float64)
    for step in range(num_steps):
        columns = step * DEPTH + tl.arange(0, DEPTH)[None, :]
        place = vectors + row_ids[:, None] * width + columns
        exact = tl.load(place, mask=columns < limits, other=0.0).to(tl.float64) * factor
        kept = exact.to(tl.float32).to(rounded.dtype.element_ty)
        tl.store(rounded + rows[:, None] * num_steps * DEPTH + columns, kept)
        kept_exactly = kept.to(tl.float32).to(tl.float64)
        lost = exact - kept_exactly
        exact_square += exact * exact
        rounded_square += kept_exactly * kept_exactly
        lost_square += lost * lost
    tl.store(norms + rows, tl.sqrt(tl.sum(exact_square, axis=1)))
    tl.store(norms + num_padded + rows, tl.sqrt(tl.sum(rounded_square, axis=1)))
    tl.store(norms + 2 * num_padded + rows, tl.sqrt(tl.sum(lost_square, axis=1)))


@triton.jit
def product(
    x, y, row, column, num_steps,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, WIDEN: tl.constexpr,
):  # fmt: skip
    """Inner products (ROWS, COLUMNS) of one tile, summed in the same order whatever the tile."""
    scores = tl.zeros((ROWS, COLUMNS), tl.float32)
    for step in range(num_steps):
        left = x.load([row, step * DEPTH])
        right = y.load([column, step * DEPTH])
        if WIDEN:  # the interpreter multiplies the bit patterns of bf16
            left = left.to(tl.float32)
            right = right.to(tl.float32)
        scores = tl.dot(left, right.T, scores, input_precision="ieee")
    return scores


@triton.jit
def band_tile(first_band, num_bands, num_row_tiles, num_column_tiles, GROUP: tl.constexpr):
    """The tile of this program (row tile, column tile, band) in bands of the matrix.

    Band b of row tile r is the column tile b after r * column tiles / row tiles, cyclically: each
    band touches every row once, and every column equally often. Programs that run at the same time
    share rows and columns, which then come from the cache.
    """
    program = tl.program_id(0)
    group = program // (GROUP * num_bands)
    group_size = tl.minimum(num_row_tiles - group * GROUP, GROUP)
    inside = program - group * GROUP * num_bands
    row_tile = group * GROUP + inside % group_size
    band = first_band + inside // group_size
    start = row_tile.to(tl.int64) * num_column_tiles // num_row_tiles
    return row_tile, ((start + band) % num_column_tiles).to(tl.int32), band


@triton.jit(do_not_specialize=COUNTS)
def sample_keys(
    x, y, y_ids, fresh, num_row_tiles, num_column_tiles, num_bands, num_steps, capacity,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, GROUP: tl.constexpr,
    WIDEN: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """For each row the best score of each WIDTH columns in the first bands, as keys of slots.

    They belong to different columns, so the k-th best of them is a lower bound of the k-th best key
    (a slot's number is below the complement of any index).
    """
    row_tile, column_tile, band = band_tile(0, num_bands, num_row_tiles, num_column_tiles, GROUP)
    row, column = row_tile * ROWS, column_tile * COLUMNS
    scores = product(x, y, row, column, num_steps, ROWS, COLUMNS, DEPTH, WIDEN)
    real = tl.load(y_ids + column + tl.arange(0, COLUMNS)) >= 0
    scores = tl.where(real[None, :], scores, float("-inf"))
    best = tl.max(tl.reshape(scores, (ROWS, COLUMNS // WIDTH, WIDTH)), axis=2)
    slots = band * (COLUMNS // WIDTH) + tl.arange(0, COLUMNS // WIDTH)
    keys = (ordered_bits(best).to(tl.int64) << 32) | slots[None, :]
    keys = tl.where(best == float("-inf"), EMPTY, keys)
    rows = row.to(tl.int64) + tl.arange(0, ROWS)
    tl.store(fresh + rows[:, None] * capacity + slots[None, :], keys)


@triton.jit
def append(keys, hits, owners, counts, fresh, capacity):
    """Adds keys to the lists of their owners. A count beyond the capacity says what was lost."""
    slots = tl.atomic_add(counts + owners, 1, mask=hits, sem="relaxed")
    places = fresh + owners.to(tl.int64) * capacity + slots
    tl.store(places, keys, mask=hits & (slots < capacity))


@triton.jit
def append_hits(
    scores, row, column,
    x_ids, x_keys, x_counts, x_fresh, y_ids, y_keys, y_counts, y_fresh, x_room, y_room,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Appends the scores that pass the exact threshold, a key, of their row or of their column.

    Equal scores are told apart here, by index: a later one of a lower index is not lost.
    """
    rows = row + tl.arange(0, ROWS)
    columns = column + tl.arange(0, COLUMNS)
    row_ids = tl.load(x_ids + rows)[:, None]
    column_ids = tl.load(y_ids + columns)[None, :]
    real = (row_ids >= 0) & (column_ids >= 0)
    keys = make_key(scores, column_ids)
    hits = real & (keys > tl.load(x_keys + rows)[:, None])
    owners = tl.broadcast_to(rows[:, None], (ROWS, COLUMNS))
    append(keys, hits, owners, x_counts, x_fresh, x_room)
    keys = make_key(scores, row_ids)
    hits = real & (keys > tl.load(y_keys + columns)[None, :])
    owners = tl.broadcast_to(columns[None, :], (ROWS, COLUMNS))
    append(keys, hits, owners, y_counts, y_fresh, y_room)


@triton.jit
def visit(
    scores, row_limits, row, column,
    x_ids, x_keys, x_counts, x_fresh, y_ids, y_limits, y_keys, y_counts, y_fresh, x_room, y_room,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Looks for hits in a piece of a tile, halving it until it is a leaf; most pieces have none."""
    column_limits = tl.load(y_limits + column + tl.arange(0, COLUMNS))
    # Inclusive, for ties with a limit. A limit may be infinite, a score may not: never NaN.
    excess = scores - tl.minimum(row_limits[:, None], column_limits[None, :])
    if tl.max(tl.max(excess, axis=1), axis=0) >= 0:
        if COLUMNS <= LEAF:
            append_hits(
                scores, row, column, x_ids, x_keys, x_counts, x_fresh,
                y_ids, y_keys, y_counts, y_fresh, x_room, y_room, ROWS, COLUMNS,
            )  # fmt: skip
        else:
            halves = tl.permute(tl.reshape(scores, (ROWS, 2, COLUMNS // 2)), (0, 2, 1))
            left, right = tl.split(halves)
            visit(
                left, row_limits, row, column, x_ids, x_keys, x_counts, x_fresh,
                y_ids, y_limits, y_keys, y_counts, y_fresh, x_room, y_room, ROWS, COLUMNS // 2,
            )  # fmt: skip
            visit(
                right, row_limits, row, column + COLUMNS // 2, x_ids, x_keys, x_counts, x_fresh,
                y_ids, y_limits, y_keys, y_counts, y_fresh, x_room, y_room, ROWS, COLUMNS // 2,
            )  # fmt: skip


@triton.jit(do_not_specialize=COUNTS)
def filter_pairs(
    x, y, x_ids, x_limits, x_keys, x_counts, x_fresh,
    y_ids, y_limits, y_keys, y_counts, y_fresh,
    num_row_tiles, num_column_tiles, first_band, num_bands, num_steps, x_room, y_room,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, GROUP: tl.constexpr,
    WIDEN: tl.constexpr,
):  # fmt: skip
    """The pairs of some bands, each offered to the list of its row and to that of its column.

    limits: the thresholds as scores, for the test that every pair meets; keys: the same exactly.
    """
    row_tile, column_tile, _ = band_tile(
        first_band, num_bands, num_row_tiles, num_column_tiles, GROUP
    )
    row, column = row_tile * ROWS, column_tile * COLUMNS
    scores = product(x, y, row, column, num_steps, ROWS, COLUMNS, DEPTH, WIDEN)
    visit(
        scores, tl.load(x_limits + row + tl.arange(0, ROWS)), row, column,
        x_ids, x_keys, x_counts, x_fresh, y_ids, y_limits, y_keys, y_counts, y_fresh,
        x_room, y_room, ROWS, COLUMNS,
    )  # fmt: skip


@triton.jit(do_not_specialize=COUNTS)
def all_keys(
    x, y, x_ids, y_ids, x_out, y_out, first_row, first_column, num_rows, num_columns, num_steps,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, WIDEN: tl.constexpr,
    BOTH: tl.constexpr,
):  # fmt: skip
    """The keys of a block, for its rows (num_rows, num_columns) and, with BOTH, its columns."""
    row, column = tl.program_id(0) * ROWS, tl.program_id(1) * COLUMNS
    scores = product(
        x, y, first_row + row, first_column + column, num_steps, ROWS, COLUMNS, DEPTH, WIDEN
    )
    rows = row + tl.arange(0, ROWS)[:, None]
    columns = column + tl.arange(0, COLUMNS)[None, :]
    row_ids = tl.load(x_ids + first_row + rows)
    column_ids = tl.load(y_ids + first_column + columns)
    real = (row_ids >= 0) & (column_ids >= 0)
    keys = tl.where(real, make_key(scores, column_ids), EMPTY)
    tl.store(x_out + rows.to(tl.int64) * num_columns + columns, keys)
    if BOTH:
        keys = tl.where(real, make_key(scores, row_ids), EMPTY)
        tl.store(y_out + columns.to(tl.int64) * num_rows + rows, keys)


@triton.jit
def load_lists(kept, fresh, rows, slots, keep, capacity, totals):
    """The kept keys of rows and, after them, the fresh ones: `totals` in all; (rows, slots)."""
    rows, slots = rows[:, None], slots[None, :]
    old = tl.load(kept + rows * keep + slots, mask=slots < tl.minimum(totals, keep), other=EMPTY)
    added = (slots >= keep) & (slots < totals)
    new = tl.load(fresh + rows * capacity + slots - keep, mask=added, other=EMPTY)
    return tl.maximum(old, new)


@triton.jit(do_not_specialize=COUNTS)
def merge_lists(
    kept, merged, fresh, counts, limits, keys, num_rows, keep, capacity,
    ROWS: tl.constexpr, SLOTS: tl.constexpr, STEP: tl.constexpr,
):  # fmt: skip
    """Of a row's kept and fresh keys the best `keep`, sorted; the last is the new threshold.

    A key's place is the number of better ones: no two are equal. SLOTS >= keep + capacity. A row
    whose keys did not find room is closed: it takes no more, and is done anew.
    """
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    inside = rows < num_rows
    num_fresh = tl.load(counts + rows, mask=inside, other=0)
    tl.store(counts + rows, tl.zeros((ROWS,), tl.int32), mask=inside)
    closed = tl.load(keys + rows, mask=inside, other=CLOSED) == CLOSED
    closed = closed | (num_fresh > capacity)
    tl.store(limits + rows, tl.full((ROWS,), float("inf"), tl.float32), mask=inside & closed)
    tl.store(keys + rows, tl.full((ROWS,), CLOSED, tl.int64), mask=inside & closed)
    totals = tl.where(closed, 0, keep + num_fresh)[:, None]
    slots = tl.arange(0, SLOTS)
    mine = load_lists(kept, fresh, rows, slots, keep, capacity, totals)
    places = tl.zeros((ROWS, SLOTS), tl.int32)
    for start in range(0, tl.max(tl.max(totals, axis=1), axis=0), STEP):
        others = load_lists(kept, fresh, rows, start + tl.arange(0, STEP), keep, capacity, totals)
        places += tl.sum((others[:, None, :] > mine[:, :, None]).to(tl.int32), axis=2)
    real = mine != EMPTY
    out = merged + rows[:, None] * keep
    tl.store(out + places, mine, mask=real & (places < keep))
    num_real = tl.sum(real.to(tl.int32), axis=1)[:, None]
    vacant = (slots[None, :] >= num_real) & (slots[None, :] < tl.minimum(totals, keep))
    tl.store(out + slots[None, :], tl.full((ROWS, SLOTS), EMPTY, tl.int64), mask=vacant)
    last = tl.max(tl.where(real & (places == keep - 1), mine, EMPTY), axis=1)
    tl.store(keys + rows, last, mask=last != EMPTY)
    tl.store(limits + rows, score_of(last), mask=last != EMPTY)
