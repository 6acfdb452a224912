"""What the arrays of a loss may hold, drawn by hypothesis.

An array is drawn as bytes that point into a table of 256 values, the plainest first: hypothesis
makes it in one draw instead of one per entry, and shrinks it towards zeros. The tables are full of
what breaks formulas; a third of the examples hold ordinary values, and some any bit pattern at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st

from xlosses.testing import Case
from xlosses.testing.data import CLASSES, KINDS

Batch: TypeAlias = dict[str, np.ndarray]

# A batch with no axis, none of a batch, a flat and a deep one. Few, because JAX compiles for each.
SHAPES: tuple[tuple[int, ...], ...] = ((6,), (), (0,), (2, 3))

LARGEST = float(np.finfo(np.float32).max)
TINY = float(np.finfo(np.float32).tiny)

# Powers of two and their surroundings, where exp ends, where squares and cubes end, thresholds of losses.
SIZES = (
    *(0.0, 1.0, 0.5, 2.0, 0.25, 3.0, 10.0, 0.1, 0.7, 1e-3, 1e-4, 1e-5, 1e-7, 1e-10, 1e-20, 1e-30),
    *(1e-45, 1e-40, 1.1754942e-38, TINY, 2.4e-38, 5.96e-8, 1 - 2**-24, 1 + 2**-23, 1.1920929e-7),
    *(16.6, 20.0, 39.999996, 40.0, 40.000004, 60.0, 87.3, 88.7, 88.8, 100.0, 103.9, 104.0, 150.0),
    *(1e4, 65504.0, 65520.0, 16777216.0, 1e10, 1e13, 1e19, 1.8446743e19, 2e19, 1e26, 1e30, 1e38, LARGEST),
)
NOT_FINITE = (math.inf, -math.inf, math.nan)


def _filled(values: Sequence[float], draw: Any) -> np.ndarray:
    """A table of 256 float32 values: these, and random ones."""
    rng = Random(0)
    return np.asarray([*values, *(draw(rng) for _ in range(256 - len(values)))], np.float32)


_UNIT = tuple(x for x in SIZES if x <= 1)
_SIGNED = tuple(s * x for x in SIZES for s in (1, -1))

_TIES = (0.0, 1.0, -1.0, 0.5, -0.5, 0.25, -0.25, 2.0, -2.0) * 6  # often, so that rows meet kinks and ties

ORDINARY = {
    "real": _filled(_TIES, lambda rng: rng.gauss(0.0, 3.0)),
    **dict.fromkeys(
        ("positive", "spread"), _filled((1.0, 0.5, 2.0), lambda rng: math.exp(rng.gauss(0.0, 1.0)))
    ),
    **dict.fromkeys(("unit", "share"), _filled((0.0, 1.0, 0.5), lambda rng: rng.random())),
    "negative": _filled((0.0, -1.0, -0.5), lambda rng: -rng.expovariate(0.5)),
    "side": _filled((1.0, -1.0), lambda rng: rng.choice((1.0, -1.0))),
    "cosine": _filled((0.0, 0.5, -0.5, 1.0, -1.0), lambda rng: rng.uniform(-1.0, 1.0)),
    "moderate": _filled((1.0, 0.5, 8.0), lambda rng: math.exp(rng.gauss(0.0, 2.0))),
    "count": _filled((0.0, 1.0, 2.0, 7.0), lambda rng: float(rng.randrange(20))),
}
EXTREME = {
    "real": _filled((*_TIES, *_SIGNED), lambda rng: rng.choice((1, -1)) * 10 ** rng.uniform(-45, 38.5)),
    "positive": _filled(SIZES, lambda rng: 10 ** rng.uniform(-45, 38.5)),
    "spread": _filled([x for x in SIZES if x >= TINY], lambda rng: 10 ** rng.uniform(-37, 38.5)),
    "unit": _filled(_UNIT, lambda rng: min(1.0, 10 ** rng.uniform(-45, 2))),
    "share": _filled(
        [x for x in _UNIT if not 0 < x < 2e-19], lambda rng: min(1.0, 10 ** rng.uniform(-18, 2))
    ),
    "negative": _filled(
        (*(-x for x in SIZES), -math.inf, -math.inf), lambda rng: -(10 ** rng.uniform(-45, 3))
    ),
    "side": ORDINARY["side"],
    "cosine": ORDINARY["cosine"],
    "moderate": _filled((1e-6, 1e6), lambda rng: 10 ** rng.uniform(-6, 6)),
    "count": _filled((0.0, 1.0, 1e6), lambda rng: float(int(10 ** rng.uniform(0, 6)))),
}
WILD = _filled((0.0, 1.0, -1.0, *NOT_FINITE, *NOT_FINITE, *_SIGNED), lambda rng: 10 ** rng.uniform(-45, 38))

ROW_SHAPES = {"frames": (5, CLASSES)}  # of an entry; (CLASSES,) unless given
AS_DRAWN = ("labelling", "frame count", "label count")  # integers that fit each other

BOXES = ("box", "other box")
COSINES = ("cosine_similarity_loss", "cosine_distance_loss", "cosine_embedding_loss", "triplet_loss (cosine)")

# The kinds of `xlosses.testing.data` and where their values lie.
DOMAINS = {
    "variance": "positive",
    "rate": "positive",
    "spread": "spread",  # never 0, where a variance may be
    "mean": "moderate",
    "amount": "moderate",
    "dispersion": "moderate",
    "count": "count",
    "other rate": "positive",
    "probability": "unit",
    "chance": "unit",
    "side": "side",
    "distribution": "unit",
    "target distribution": "unit",
    "tags": "unit",
    "relevances": "count",
    "membership": "share",  # whose squares do not vanish: those of a whole set count as an empty one
    "members": "share",
    "events": "unit",
    "log scales": "cosine",
    "likeness": "side",
    "cosines": "cosine",
    "log probabilities": "negative",
    "frames": "negative",
    "target log probabilities": "negative",
}


@st.composite
def entries(draw: Any, table: np.ndarray, size: int) -> np.ndarray:
    """So many values of a table."""
    return table[np.frombuffer(draw(st.binary(min_size=size, max_size=size)), np.uint8)]


@st.composite
def bits(draw: Any, size: int) -> np.ndarray:
    """So many float32 numbers of any bit pattern: subnormals, infinities and every NaN among them."""
    return np.frombuffer(draw(st.binary(min_size=4 * size, max_size=4 * size)), np.float32)


@st.composite
def column(draw: Any, kind: str, shape: tuple[int, ...], tier: str) -> np.ndarray:
    """One array of a loss, for so many terms."""
    if KINDS[kind].shared:
        return np.asarray(KINDS[kind].draw(Random(draw(st.integers(0, 7)))), np.float32)
    if kind in AS_DRAWN:
        rng = Random(draw(st.integers(0, 7)))
        found = [KINDS[kind].draw(rng) for _ in range(math.prod(shape))]
        entry = np.asarray(KINDS[kind].draw(rng)).shape
        return np.asarray(found, np.int32).reshape((*shape, *entry))
    if KINDS[kind].dtype == "bool":
        size = math.prod(shape) * CLASSES
        return (draw(entries(np.arange(256), size)) % 4 != 3).reshape((*shape, CLASSES))
    if KINDS[kind].dtype:
        return draw(entries(np.arange(256) % CLASSES, math.prod(shape))).astype(np.int32).reshape(shape)
    if kind in BOXES:  # whose areas are products: their corners are ordinary, and in order
        low, size = (draw(entries(ORDINARY[of], 2 * math.prod(shape))) for of in ("real", "positive"))
        low, size = (x.reshape((*shape, 2)) for x in (low, size))
        return np.concatenate([low, low + size], axis=-1)
    if KINDS[kind].row:
        shape = (*shape, *ROW_SHAPES.get(kind, (CLASSES,)))
    size, domain = math.prod(shape), DOMAINS.get(kind, "real")
    if tier == "bits":
        found = draw(bits(size))
    else:
        table = {"ordinary": ORDINARY, "extreme": EXTREME}.get(tier, {}).get(domain, WILD)
        found = draw(entries(table, size))
    found = found.reshape(shape)
    if tier == "ordinary" and kind == "distribution":
        total = found.sum(axis=-1, keepdims=True)
        found = np.where(total > 0, found / np.where(total > 0, total, 1), np.float32(1 / CLASSES))
    return found


TIERS = ("ordinary", "extreme", "wild", "bits")
FINITE = ("ordinary", "extreme")


@st.composite
def batches(
    draw: Any, case: Case, shape: tuple[int, ...] | None = None, tiers: Sequence[str] = TIERS
) -> Batch:
    """The arrays of a loss. Those of the tiers in FINITE keep to the loss's domain."""
    if shape is None:
        shape = draw(st.sampled_from(SHAPES))
    tier = draw(st.sampled_from(tiers))
    return {name: draw(column(kind, shape, tier)) for name, kind in case.arrays.items()}


def chosen(case: Case, batch: Batch, rows: Any) -> Batch:
    """The batch with these terms alone."""
    return {name: x if case.is_shared(name) else x[rows] for name, x in batch.items()}


def terms_one_by_one(case: Case, batch: Batch) -> list[tuple[Any, ...]]:
    """What the reference takes for each term, in Python numbers of double precision."""
    columns = {
        name: np.asarray(x, np.float64 if x.dtype == np.float32 else x.dtype).tolist()
        for name, x in batch.items()
    }
    number = len(next(iter(columns.values())))
    return [tuple(x if case.is_shared(name) else x[i] for name, x in columns.items()) for i in range(number)]


def settings_of(case: Case) -> st.SearchStrategy[Mapping[str, Any]]:
    """One setting of the loss's options."""
    return st.sampled_from(list(case.options))


def permutations(n: int) -> st.SearchStrategy[list[int]]:
    return st.permutations(range(n))


@st.composite
def weights(draw: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Ordinary weights, zeros among them."""
    return draw(entries(ORDINARY["unit"], math.prod(shape))).reshape(shape)


@st.composite
def class_weights(draw: Any) -> np.ndarray:
    """One ordinary positive weight per class."""
    return draw(entries(ORDINARY["positive"], CLASSES))


@st.composite
def any_labels(draw: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Labels from the whole range of int32."""
    size = 4 * math.prod(shape)
    return np.frombuffer(draw(st.binary(min_size=size, max_size=size)), np.int32).reshape(shape)


def terms_of(case: Case, batch: Batch) -> tuple[int, ...]:
    """The shape of the unreduced loss."""
    name, first = next(iter(batch.items()))
    entry = ROW_SHAPES.get(case.arrays[name], (CLASSES,)) if case.by_rows else ()
    return first.shape[: first.ndim - len(entry)]


def of_cosines(case: Case) -> bool:
    return case.loss_name in COSINES or case.name in COSINES


def too_far_apart(case: Case, batch: Batch, largest: float = LARGEST) -> np.ndarray:
    """Whether the differences of inputs that a term is made of leave the dtype: they count as infinite.

    For cosines: whether a vector has entries beyond 1e-30 to 1e30, for which nothing is promised, or
    one is so much longer than the other that their quotient leaves float32. For Student's likelihood and the
    robust loss: whether the error in units of the scale does.
    """
    arrays = [x.astype(np.float64) for name, x in batch.items() if not case.is_shared(name)]
    largest *= 0.99  # the last rounding may be up
    with np.errstate(over="ignore"):
        if of_cosines(case):
            sizes = np.abs([x for x in arrays if x.ndim > 1])
            beyond = ((sizes > 1e30) | (sizes < 1e-30) & (sizes > 0)).any(axis=(0, 2))
            longest = sizes.max(axis=-1)
            return beyond | (longest.min(axis=0) * 1e38 < longest.max(axis=0))
        if case.loss_name == "triplet_loss":
            anchors, *others = arrays
            power = 2 if case.name == "triplet_loss (squared)" else 1
            apart = [np.sum(np.abs(anchors - x), axis=-1) ** power for x in others]
            return ~(np.max(apart, axis=0) <= largest)
        if case.loss_name == "student_t_nll_loss":
            x, y, scale = arrays
            with np.errstate(divide="ignore", invalid="ignore"):
                return ~((np.abs(x - y) <= largest) & (np.abs(x - y) / np.abs(scale) <= largest))
        if case.loss_name == "general_robust_loss":
            return ~(np.abs(arrays[0] - arrays[1]) / 0.25 <= largest)  # the least c of the settings
        if case.loss_name == "ctc_loss":
            sizes = np.where(np.isinf(arrays[0]), 0, np.abs(arrays[0]))
            return ~(np.sum(sizes, axis=(-2, -1)) <= largest)
        entries = np.column_stack([np.where(np.isinf(x), 0, x) for x in arrays])
        return ~(np.ptp(entries, axis=-1) <= largest)


def lost_by_autodiff(framework: str, name: str, batch: Batch, options: Mapping[str, Any]) -> np.ndarray:
    """Where a framework leaves float32 on the way to the gradient by a scale or a variance.

    By the scales of a mixture it is an error times the same in units of the scale. MLX takes the gradient of
    a / b as g a / (b b), and multiplies by 0 what a clamp discards, so that infinity becomes NaN.
    """
    arrays = [x.astype(np.float64) for x in batch.values()]
    with np.errstate(over="ignore", invalid="ignore"):
        if framework in ("torch", "mlx") and name == "log_scales":
            _, mean, log_scale, y = arrays
            error = y[:, None] - mean
            return ~(np.max(error * (error * np.exp(-log_scale)), axis=-1) <= LARGEST)
        if framework == "mlx" and name == "vars":
            x, y, v = arrays
            v, error = np.maximum(v, options.get("eps", 1e-6)), np.abs(x - y)
            return np.max([error**2, v**2, (error / v) ** 2], axis=0) > LARGEST
    return np.zeros(6, bool)
