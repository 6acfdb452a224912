"""Where the losses are measured: points that are exact in a dtype, from its one end to the other.

`points(name, options, format)` gives the arguments of one term each. Beside ordinary values there
are both sides of every threshold, kinks and ties, tails, and the neighbourhood of 0; no point lies
so close to a kink that a rounded difference falls on its other side, where the gradient is another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from formats import Format
from points_of_batches import BATCHES

Point = tuple[Any, ...]
LENGTHS = (2, 7)  # few, because JAX compiles for each
LONG = 100


def points(name: str, options: Mapping[str, Any], f: Format) -> list[Point]:
    """The points of one case of the catalogue, or of one primitive, without repetition."""
    rng = Random(f"{name} {sorted(options.items())} {f.name}")
    found = [_rounded(point, f) for point in MAKERS[name](f, options, rng)]
    return list({repr(point): point for point in found}.values())


def _rounded(x: Any, f: Format) -> Any:
    if isinstance(x, (tuple, list)):
        return type(x)(_rounded(entry, f) for entry in x)
    return x if isinstance(x, int) else f.round(x)


def brief(x: float) -> float:
    """About x, with few decimal digits: the tables stay small, the bits are as irregular as before."""
    return float(f"{x:.4g}") if math.isfinite(x) else x


def normal(rng: Random, mean: float, spread: float) -> float:
    return brief(rng.gauss(mean, spread))


def even(rng: Random) -> float:
    return brief(rng.random())


def ladder(f: Format, n: int) -> list[float]:
    """Magnitudes from the smallest number of a dtype to its largest."""
    low, high = math.log(f.least), math.log(f.max)
    steps = [brief(math.exp(low + (high - low) * k / n)) for k in range(1, n)]
    return [f.least, f.down(f.tiny), f.tiny, f.up(f.tiny), *steps, 1e-15, 1.0, f.up(1.0), f.down(1.0), f.max]


def around(f: Format, x: float) -> list[float]:
    """A threshold, its neighbours, and further away."""
    x = f.round(x)
    return [x, f.up(x), f.down(x), 0.75 * x, 1.25 * x]


def both(xs: Sequence[float]) -> list[float]:
    return [s * x for x in xs for s in (1.0, -1.0)]


def errors(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Pairs whose difference matters."""
    thresholds = [options.get("delta", options.get("beta", 1.0)), 40.0, 20.0]
    for e in both([*ladder(f, 16), *(e for t in thresholds if t for e in around(f, t))]):
        yield e, 0.0
    yield f.max, f.max
    for x in (0.0, -0.0, 2.0, -1e3, f.tiny, f.least):
        yield x, x
        yield f.up(x), x
        yield x, -x
    for _ in range(24):
        yield normal(rng, 0, 2), normal(rng, 0, 2)
    for _ in range(6):
        near = f.round(normal(rng, 0, 100))
        yield near, near + normal(rng, 0, 0.1)


def gaussian(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    eps = options.get("eps", 1e-6)
    for _ in range(24):
        yield normal(rng, 0, 2), normal(rng, 0, 2), brief(math.exp(rng.gauss(0, 2)))
    for var in (0.0, *ladder(f, 10), *around(f, eps), *around(f, 1.0)):
        yield 0.5, 0.5, var
        yield 1.5, 0.25, var
    for error in ladder(f, 12):
        for var in (1.0, eps, error, 1e4):
            yield error, 0.0, var


def logits(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    sizes = [
        *ladder(f, 10),
        1e-8,
        0.1,
        0.5,
        2,
        5,
        10,
        16,
        17,
        20,
        37,
        40,
        60,
        69.0775,
        80,
        88,
        89,
        100,
        103.5,
    ]
    sizes += [300, 700, 708, 709.5, 745] if f.bits == 53 else []
    for x in (0.0, -0.0, *both(sizes)):
        yield x, 0.0
        yield x, 1.0
    for _ in range(100):
        yield normal(rng, 0, 3), even(rng)
    for x in (0.0, 30.0, -30.0, 1e4, -1e4):
        for y in (0.5, 0.25, 1e-4, f.least, f.down(1.0)):
            yield x, y


def probabilities(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    low = math.exp(-100.0)
    inside = [p for p in ladder(f, 14) if p < 1]
    if f.name != "float16":  # at the clamp itself, rounding decides
        inside += [k * low for k in (0.5, 0.75, 1.25, *((1 - 1e-12, 1 + 1e-12) if f.bits == 53 else ()))]
    for p in (0.0, 1.0, *inside, 1e-20, 0.5, 0.9, 0.999, f.down(f.down(1.0))):
        for y in (0.0, 1.0, 0.25):
            yield p, y
    for _ in range(24):
        yield even(rng), even(rng)
    for y in (f.least, f.down(1.0), 1e-4):
        yield 0.3, y


def rows(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[list[float]]:
    """Logits."""
    inf = math.inf
    for spread in (1.0, 5.0) if f.bits > 20 else ():
        yield [normal(rng, 100.0, spread) for _ in range(LONG)]
    for n in LENGTHS:
        for spread in (0.1, 1.0, 2.0, 5.0, 20.0, 100.0):
            yield [normal(rng, 0, spread) for _ in range(n)]
        for offset in (-1e3, 1e4, f.max / 4):
            yield [offset + normal(rng, 0, 1) for _ in range(n)]
        yield [0.0] * n
        yield [min(1e8, f.max)] * n
        yield [brief(1e-4 * even(rng)) for _ in range(n)]
        for gap in (5.0, 20.0, 69.0, 88.0, 104.0, 1e3, f.max / 2):
            yield [gap, *(even(rng) for _ in range(n - 1))]
        yield [f.least * rng.randrange(9) for _ in range(n)]
        yield [f.max / 2, -f.max / 2, *(even(rng) for _ in range(n - 2))]
        if not options.get("label_smoothing") and n > 2:
            yield [-inf, 0.0, 1.0, *(rng.choice([-inf, even(rng)]) for _ in range(n - 3))]
            yield [*(rng.choice([-inf, 0.5]) for _ in range(n - 1)), 0.25]


def of_labels(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for row in rows(f, options, rng):
        yield row, row.index(max(row))
        yield row, 0  # -inf in some: the loss is infinite


def of_distributions(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for row in rows(f, options, rng):
        n, possible = len(row), [float(x > -math.inf) for x in row]
        hot = row.index(max(row))
        yield row, [float(k == hot) for k in range(n)]
        weights = [even(rng) * p for p in possible]
        yield row, [brief(w / sum(weights)) for w in weights]
        yield row, [rng.choice([0.0, 1e-6, 0.5, 2.0]) * p for p in possible]  # need not sum to 1


def of_log_probabilities(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for row in rows(f, options, rng):
        yield row, 0
        yield row, len(row) - 1


def pairs_of_log_probabilities(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    inf = math.inf
    for spread in (0.5, 3.0) if f.bits > 20 else ():
        yield log_softmax(rng, LONG, spread), log_softmax(rng, LONG, spread)
    for n in LENGTHS:
        for spread in (0.01, 0.5, 1.0, 3.0, 10.0, 30.0):
            for _ in range(4):
                yield log_softmax(rng, n, spread), log_softmax(rng, n, spread)
        same = log_softmax(rng, n, 1.0)
        yield same, same
        yield [f.up(f.round(x)) for x in same], same
        some = log_softmax(rng, n, 2.0)
        yield [x if k % 2 else -inf for k, x in enumerate(some)], [0.0 if k == 1 else -inf for k in range(n)]
        yield some, [-inf if k % 2 else x for k, x in enumerate(same)]
        yield same, [-inf] * n
        yield [0.0] + [-inf] * (n - 1), [-0.5] * n
        yield [-f.max] * n, same
        yield [f.least] * n, [-f.least] * n
        yield [-100.0] * n, [-69.0] * n  # about 1e-30 each
        yield same, [-200.0] * n


def hinges(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for x in both([0.0, *ladder(f, 20), *around(f, 1.0), 1e3]):
        yield x, 1.0
        yield x, -1.0
    for _ in range(12):
        yield normal(rng, 0, 1), rng.choice([-1.0, 1.0])


def rankings(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    margin = options.get("margin", 0.0)
    for x in both([0.0, *ladder(f, 14), *(around(f, margin) if margin else [])]):
        for y in (1.0, -1.0):
            yield x, 0.0, y
    for _ in range(12):
        yield normal(rng, 0, 2), normal(rng, 0, 2), rng.choice([-1.0, 1.0])
    for x in (0.0, 2.0, f.max / 2):
        yield x, x, 1.0
        yield f.up(x), x, -1.0
        yield x, -x, 1.0


def triplets(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    def vector(n: int, spread: float) -> list[float]:
        return [normal(rng, 0, spread) for _ in range(n)]

    for _ in range(0 if options or f.bits < 20 else 2):
        yield vector(LONG, 1.0), vector(LONG, 1.0), vector(LONG, 1.0)
    for n in LENGTHS:
        for spread in (1e-3, 0.1, 0.5, 1.0, 2.0, 10.0):
            for _ in range(2):
                yield vector(n, spread), vector(n, spread), vector(n, spread)
        a, unit = vector(n, 1.0), [1.0, *[0.0] * (n - 1)]
        zero = [0.0] * n
        yield a, a, a
        yield a, a, vector(n, 3.0)
        yield a, vector(n, 3.0), a
        yield zero, [4.0, -4.0, *[1.0] * (n - 2)], [0.0, 1.0, *[0.5] * (n - 2)]
        yield zero, zero, unit
        yield zero, unit, zero
        for size in (f.max / 4 / n, math.sqrt(f.max) / 4, 1e-4, math.sqrt(f.tiny), f.tiny * 8, f.least * 5):
            yield (
                [brief(size * even(rng)) for _ in range(n)],
                [-brief(size * even(rng)) for _ in range(n)],
                zero,
            )
        yield [f.max / 8, *[f.tiny] * (n - 1)], zero, zero


def vectors(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    def vector(n: int, size: float = 1.0) -> list[float]:
        return [brief(size * max(-4.0, min(4.0, rng.gauss(0, 1)))) for _ in range(n)]

    for _ in range(0 if options or f.bits < 20 else 2):
        yield vector(LONG), vector(LONG)
    for n in LENGTHS:
        for size in (1.0, 1.0, 1.0, 5.0, 20.0, 1e-3):
            yield vector(n, size), vector(n, size)
        a, unit, zero = vector(n), [1.0, *[0.0] * (n - 1)], [0.0] * n
        yield a, a
        yield a, [-x for x in a]
        yield a, [brief(x * (1 + 1e-3 * even(rng))) for x in a]
        yield unit, [0.0, *a[1:]]
        if (eps := options.get("eps", 0.0)) >= 1:  # the clamp begins
            yield [0.6 * eps, 0.8 * eps, *zero[2:]], unit
        yield zero, zero
        yield zero, a
        yield a, zero
        large, small = f.max / 8, math.sqrt(f.tiny)
        for one, other in (
            (large, 1.0),
            (large, large),
            (small, 1 / small),
            (f.tiny * 1e5, f.tiny * 1e5),
            (f.tiny * 16, large),
            (1e-4, 1e-4),
        ):
            yield vector(n, one), vector(n, other)
        yield [f.least * rng.randrange(1, 9) for _ in range(n)], a
        yield [1.0, *[f.tiny] * (n - 1)], [f.tiny, *[1.0] * (n - 1)]


def pairs_of_vectors(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for x1, x2 in vectors(f, {k: x for k, x in options.items() if k != "margin"}, rng):
        yield x1, x2, 1.0
        yield x1, x2, -1.0


def levels(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """All rows of one length have the same levels."""
    for n in LENGTHS:
        q = [brief((k + 0.6) / (n + 0.1)) for k in range(n)]
        for size in (1e-3, 1.0, 1.0, 10.0, 100.0, *(x / 256 for x in ladder(f, 12))):
            row = [normal(rng, 0, 1) * size for _ in range(n)]
            yield row, row[0], q
            yield row, normal(rng, 0, 1) * size, q
            yield sorted(row), 0.0, q


def sets(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Not below 1e-9: without `smooth` MLX divides by the square of a sum of squares, which would be 0."""
    if f.bits > 20 and not options:
        yield [even(rng) for _ in range(LONG)], [float(rng.random() < 0.5) for _ in range(LONG)]
    for n in LENGTHS:
        for _ in range(3):
            p, t = [even(rng) for _ in range(n)], [float(rng.random() < 0.5) for _ in range(n)]
            yield p, t
            yield p, [even(rng) for _ in range(n)]
            yield [abs(b - brief(1e-3 * even(rng))) for b in t], t
        yield p, p
        yield t, t
        for size in (1.0, f.down(1.0), 0.5, 1e-3, 1e-6, 1e-9):
            yield [size] * n, [1.0] * n
            yield [size] * n, [0.0] * n
            yield [0.0] * n, [size] * n
            yield [size, *[0.0] * (n - 1)], [0.0, *[1.0] * (n - 1)]
        yield [0.0] * n, [0.0] * n


def parts_of_sets(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for p, t in [*sets(f, {}, rng), *sets(f, options, rng)]:
        yield p, t, [rng.random() < 0.7 for _ in p]


def log_softmax(rng: Random, n: int, spread: float) -> list[float]:
    x = [normal(rng, 0, spread) for _ in range(n)]
    top = max(x)
    log_sum = top + math.log(math.fsum(math.exp(xk - top) for xk in x))
    return [brief(xk - log_sum) for xk in x]


def magnitudes(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for x in ladder(f, 60):
        yield (x,)


def anywhere(low: float, high: float) -> Callable[..., Iterator[Point]]:
    """Points of a primitive on its domain: the ends, the ladder, and evenly between `low` and `high`."""

    def make(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
        if f.bits == 53:  # the ends of float64 are eight times as far away
            ends = (low if low > -2 else 7 * low, 7 * high if high > 80 else high)
        else:
            ends = (low, high)
        for x in both(ladder(f, 20)):
            if ends[0] <= x <= ends[1]:
                yield (x,)
        for scale in (1.0, 0.1, 0.01):
            for _ in range(100):
                yield (max(low, brief(scale * rng.uniform(*ends))),)

    return make


MAKERS: Mapping[str, Callable[[Format, Mapping[str, Any], Random], Iterator[Point]]] = {
    "mse_loss": errors,
    "l1_loss": errors,
    "huber_loss": errors,
    "smooth_l1_loss": errors,
    "log_cosh_loss": errors,
    "gaussian_nll_loss": gaussian,
    "binary_cross_entropy": logits,
    "binary_cross_entropy (probabilities)": probabilities,
    "cross_entropy": of_labels,
    "cross_entropy (probabilities)": of_distributions,
    "nll_loss": of_log_probabilities,
    "kl_div_loss": pairs_of_log_probabilities,
    "hinge_loss": hinges,
    "margin_ranking_loss": rankings,
    "triplet_loss": triplets,
    "cosine_similarity_loss": vectors,
    "cosine_embedding_loss": pairs_of_vectors,
    "quantile_loss": errors,
    "quantile_loss (levels)": levels,
    "dice_loss": sets,
    "dice_loss (kept)": parts_of_sets,
    "tversky_loss": sets,
    **BATCHES,
    "exp": anywhere(-100, 88),
    "log": anywhere(0, 1e3),
    "log1p": anywhere(-1 + 1e-6, 1),
    "sinh": anywhere(-85, 85),
    "tanh": anywhere(-30, 30),
    "sqrt": anywhere(0, 1e3),
    "x^3": anywhere(0, 1e3),
    "x^(1/3)": anywhere(0.1, 1e3),
    "number / array": magnitudes,
    "rows / column": magnitudes,
    "gradient of x / y": magnitudes,
    "gradient of where": magnitudes,
}
