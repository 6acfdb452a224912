"""The losses by their definition in mpmath whose terms compare an entry with all of its batch.

A definition takes the number of the term, all arrays whole and the options. Partial derivatives are by
whole arrays. Errors are measured against what the rounding of the products makes of a result: the
largest term of a product, times what the result changes by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mpmath import mp

Number = Any
Rows = Sequence[Sequence[Number]]


class Term(NamedTuple):
    value: Number
    partials: tuple[Any, ...]
    scale: Number
    scales: tuple[Any, ...]


class Slope(NamedTuple):
    """The derivatives of a term by the products of one row with all, and their scales."""

    by: list[Number]
    scale: list[Number]


def info_nce(i: int, q: Rows, k: Rows, temperature: Number = 0.1, symmetric: bool = False) -> Term:
    found = one_way(i, q, k, mp.mpf(temperature))
    if not symmetric:
        return found
    other = one_way(i, k, q, mp.mpf(temperature))
    turned = Term(
        other.value,
        (other.partials[1], other.partials[0], other.partials[2]),
        other.scale,
        (other.scales[1], other.scales[0], other.scales[2]),
    )
    return Term(*(half(added([a, b])) for a, b in zip(found, turned, strict=True)))


def one_way(i: int, q: Rows, k: Rows, t: Number) -> Term:
    x, sizes = products(q[i], k)
    total = mp.fsum(mp.exp(xj / t) for xj in x)
    p = [mp.exp(xj / t) / total for xj in x]
    largest = max(1, *(size / t for size in sizes))
    slope = Slope(
        [(pj - (j == i)) / t for j, pj in enumerate(p)],
        [(pj * largest + (j == i)) / t for j, pj in enumerate(p)],
    )
    by_t = -mp.fsum(g * xj for g, xj in zip(slope.by, x, strict=True)) / t
    of_t = mp.fsum(g * size for g, size in zip(slope.scale, sizes, strict=True)) / t
    (by_q, of_q), (by_k, of_k) = by_rows(i, q, k, slope)
    value = -mp.log(p[i])
    return Term(value, (by_q, by_k, by_t), max(value, largest), (of_q, of_k, of_t))


def info_nce_of_negatives(
    q: Sequence[Number], k: Sequence[Number], n: Rows, temperature: Number = 0.1
) -> Term:
    """A batch of one, whose keys are its own and the negatives."""
    found = one_way(0, [q], [k, *n], mp.mpf(temperature))

    def of_each(parts: tuple[Any, ...]) -> tuple[Any, ...]:
        return parts[0][0], parts[1][0], parts[1][1:]

    return found._replace(partials=of_each(found.partials), scales=of_each(found.scales))


def info_nce_of_shared_negatives(*arrays: Any, **options: Any) -> Term:
    """Without the derivative by what all terms share."""
    found = info_nce_of_negatives(*arrays, **options)
    return found._replace(partials=found.partials[:2], scales=found.scales[:2])


def siglip(i: int, q: Rows, k: Rows, scale: Number = 10.0, bias: Number = -10.0) -> Term:
    s, b = mp.mpf(scale), mp.mpf(bias)
    x, sizes = products(q[i], k)
    z = [1 if j == i else -1 for j in range(len(k))]
    terms = [mp.log1p(mp.exp(-zj * (s * xj + b))) for zj, xj in zip(z, x, strict=True)]
    chances = [1 / (1 + mp.exp(zj * (s * xj + b))) for zj, xj in zip(z, x, strict=True)]
    of_logit = [c * max(1, abs(s) * size + abs(b)) for c, size in zip(chances, sizes, strict=True)]
    by_logit = [-zj * c for zj, c in zip(z, chances, strict=True)]
    slope = Slope([s * g for g in by_logit], [abs(s) * g for g in of_logit])
    (by_q, of_q), (by_k, of_k) = by_rows(i, q, k, slope)
    by_s = mp.fsum(g * xj for g, xj in zip(by_logit, x, strict=True))
    of_s = mp.fsum(g * size for g, size in zip(of_logit, sizes, strict=True))
    value = mp.fsum(terms)
    return Term(
        value,
        (by_q, by_k, by_s, mp.fsum(by_logit)),
        value + mp.fsum(of_logit),
        (of_q, of_k, of_s, mp.fsum(of_logit)),
    )


def supervised_contrastive(i: int, x: Rows, labels: Sequence[int], temperature: Number = 0.1) -> Term:
    found = supervised_contrastive_by_temperature(i, x, temperature, labels)
    return found._replace(partials=found.partials[:1], scales=found.scales[:1])


def supervised_contrastive_by_temperature(
    i: int, x: Rows, temperature: Number, labels: Sequence[int]
) -> Term:
    t, others = mp.mpf(temperature), [j for j in range(len(x)) if j != i]
    alike = [j for j in others if labels[j] == labels[i]]
    if not alike:
        nothing = [[mp.mpf(0)] * len(row) for row in x], mp.mpf(0)
        return Term(mp.mpf(0), nothing, mp.mpf(0), nothing)
    s, sizes = products(x[i], x)
    total = mp.fsum(mp.exp(s[j] / t) for j in others)
    p = [mp.exp(s[j] / t) / total if j != i else mp.mpf(0) for j in range(len(x))]
    share = [mp.mpf(j in alike) / len(alike) for j in range(len(x))]
    largest = max(1, *(sizes[j] / t for j in others))
    slope = Slope(
        [(pj - yj) / t for pj, yj in zip(p, share, strict=True)],
        [(pj * largest + yj) / t for pj, yj in zip(p, share, strict=True)],
    )
    rows = by_rows(i, x, x, slope)
    by_x, of_x = (added([a, b]) for a, b in zip(*rows, strict=True))
    by_t = -mp.fsum(g * sj for g, sj in zip(slope.by, s, strict=True)) / t
    of_t = mp.fsum(g * size for g, size in zip(slope.scale, sizes, strict=True)) / t
    value = -mp.fsum(mp.log(p[j]) for j in alike) / len(alike)
    return Term(value, (by_x, by_t), max(value, largest), (of_x, of_t))


def products(x: Sequence[Number], rows: Rows) -> tuple[list[Number], list[Number]]:
    """The product with each row, and the sum of the sizes of its terms."""
    terms = [[a * b for a, b in zip(x, row, strict=True)] for row in rows]
    return [mp.fsum(row) for row in terms], [mp.fsum(map(abs, row)) for row in terms]


def by_rows(i: int, q: Rows, k: Rows, slope: Slope) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """The derivatives by all q and by all k, each with its scale."""

    def times(by: Sequence[Number], q: Rows, k: Rows) -> tuple[Any, Any]:
        by_q = [[mp.mpf(0)] * len(row) for row in q]
        by_q[i] = [mp.fsum(g * row[d] for g, row in zip(by, k, strict=True)) for d in range(len(q[i]))]
        return by_q, [[g * a for a in q[i]] for g in by]

    sizes = [[[abs(a) for a in row] for row in rows] for rows in (q, k)]
    (by_q, by_k), (of_q, of_k) = times(slope.by, q, k), times(slope.scale, *sizes)
    return (by_q, of_q), (by_k, of_k)


def added(parts: Sequence[Any]) -> Any:
    """The sum of numbers, or of equal (nested) lists or tuples of them, entry by entry."""
    if isinstance(parts[0], (list, tuple)):
        return type(parts[0])(added(entries) for entries in zip(*parts, strict=True))
    return mp.fsum(parts)


def half(x: Any) -> Any:
    return type(x)(map(half, x)) if isinstance(x, (list, tuple)) else x / 2


DEFINITIONS = {
    "info_nce_loss": info_nce,
    "info_nce_loss (trained temperature)": info_nce,
    "info_nce_loss (negatives)": info_nce_of_shared_negatives,
    "info_nce_loss (own negatives)": info_nce_of_negatives,
    "siglip_loss": siglip,
    "siglip_loss (trained scale and bias)": siglip,
    "supervised_contrastive_loss": supervised_contrastive,
    "supervised_contrastive_loss (trained temperature)": supervised_contrastive_by_temperature,
}
