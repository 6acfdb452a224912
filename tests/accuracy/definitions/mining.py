"""The losses by their definition in mpmath that compare an embedding with its positives and negatives.

As in `contrastive.py`: a definition takes the number of the term and whole arrays, and errors are measured
against what the rounding of products and exponents makes of a result.
"""

from __future__ import annotations

from collections.abc import Sequence

from mpmath import mp

from definitions.contrastive import Number, Rows, Slope, Term, added, by_rows, products


def nt_xent(i: int, x: Rows, labels: Sequence[int], temperature: Number = 0.07) -> Term:
    found = nt_xent_by_temperature(i, x, temperature, labels)
    return found._replace(partials=found.partials[:1], scales=found.scales[:1])


def nt_xent_by_temperature(i: int, x: Rows, temperature: Number, labels: Sequence[int]) -> Term:
    t, (alike, unlike) = mp.mpf(temperature), sides(i, labels)
    s, sizes = products(x[i], x)
    largest = max(1, *(sizes[j] / t for j in (*alike, *unlike)))
    total = mp.fsum(mp.exp(s[n] / t) for n in unlike)
    chances = {p: total / (total + mp.exp(s[p] / t)) for p in alike}
    slope, lost = nothing(len(x)), mp.fsum(chances.values())
    for p, chance in chances.items():
        slope.by[p], slope.scale[p] = -chance / t, chance * largest / t
    for n in unlike:
        odds = mp.exp(s[n] / t) / total
        slope.by[n], slope.scale[n] = lost * odds / t, lost * odds * largest / t
    by_t = -mp.fsum(g * sj for g, sj in zip(slope.by, s, strict=True)) / t
    of_t = mp.fsum(g * size for g, size in zip(slope.scale, sizes, strict=True)) / t
    by_x, of_x = of_rows(i, x, slope)
    value = mp.fsum(mp.log1p(total * mp.exp(-s[p] / t)) for p in alike)
    return Term(value, (by_x, by_t), value + lost * largest, (of_x, of_t))


def circle(i: int, x: Rows, labels: Sequence[int], gamma: Number = 80.0, margin: Number = 0.4) -> Term:
    gamma, m, slope = mp.mpf(gamma), mp.mpf(margin), nothing(len(x))
    alike, unlike = sides(i, labels)
    if not alike or not unlike:
        by_x, of_x = of_rows(i, x, slope)
        return Term(mp.mpf(0), (by_x,), mp.mpf(0), (of_x,))
    s, sizes = products(x[i], x)
    total, largest = mp.mpf(1), mp.mpf(1)
    for side, js, optimum in ((-1, alike, 1 + m), (1, unlike, -m)):
        weight = {j: gamma * max(0, side * (s[j] - optimum)) for j in js}
        beyond = {j: side * (s[j] - (1 - m if side < 0 else m)) for j in js}
        powers = {j: mp.exp(weight[j] * beyond[j]) for j in js}
        rounding = {j: gamma * (1 + abs(m) + sizes[j]) for j in js}  # of a weight, and of gamma times beyond
        of_side = mp.fsum(powers.values())
        total *= of_side
        of_logits = {j: weight[j] * (1 + sizes[j]) + abs(beyond[j]) * rounding[j] for j in js}
        largest = max(largest, *of_logits.values())
        for j in js:
            slope.by[j] = side * weight[j] * powers[j] / of_side
            slope.scale[j] = powers[j] / of_side * rounding[j]
    chance = total / (1 + total)
    for j in (*alike, *unlike):
        slope.scale[j] = chance * (slope.scale[j] + abs(slope.by[j]) * largest)
        slope.by[j] *= chance
    by_x, of_x = of_rows(i, x, slope)
    value = mp.log1p(total)
    return Term(value, (by_x,), value + chance * largest, (of_x,))


def hard_triplet(i: int, x: Rows, labels: Sequence[int], margin: Number = 1.0) -> Term:
    """Ties share evenly; differences of exact numbers are rounded once, and scales are those of sums."""
    m, (alike, unlike) = mp.mpf(margin), sides(i, labels)
    by, of = ([[mp.mpf(0)] * len(row) for row in x] for _ in range(2))
    if not alike or not unlike:
        return Term(mp.mpf(0), (by,), mp.mpf(0), (of,))
    apart = [[a - b for a, b in zip(x[i], row, strict=True)] for row in x]
    distance = [mp.sqrt(mp.fsum(d * d for d in row)) for row in apart]
    far, near = max(distance[j] for j in alike), min(distance[j] for j in unlike)
    if m + far - near <= 0:
        return Term(mp.mpf(0), (by,), max(m, far, near), (of,))
    for side, js, length in ((1, alike, far), (-1, unlike, near)):
        ties = [j for j in js if distance[j] == length]
        for j in ties if length else []:
            for k, d in enumerate(apart[j]):
                part = side * d / length / len(ties)
                by[i][k] += part
                by[j][k] -= part
                of[i][k] += abs(part)
                of[j][k] += abs(part)
    return Term(m + far - near, (by,), max(abs(m), far, near), (of,))


def multi_similarity(
    i: int,
    x: Rows,
    labels: Sequence[int],
    alpha: Number = 2.0,
    beta: Number = 50.0,
    base: Number = 0.5,
) -> Term:
    s, sizes = products(x[i], x)
    slope, value, scale = nothing(len(x)), mp.mpf(0), mp.mpf(0)
    for js, side, factor in zip(sides(i, labels), (-1, 1), (mp.mpf(alpha), mp.mpf(beta)), strict=True):
        powers = {j: mp.exp(side * factor * (s[j] - mp.mpf(base))) for j in js}
        largest = max([1, *(factor * (sizes[j] + abs(base)) for j in js)])
        total = mp.fsum(powers.values())
        value += mp.log1p(total) / factor
        scale += (mp.log1p(total) + total / (1 + total) * largest) / factor
        for j, power in powers.items():
            slope.by[j], slope.scale[j] = side * power / (1 + total), largest * power / (1 + total)
    by_x, of_x = of_rows(i, x, slope)
    return Term(value, (by_x,), scale, (of_x,))


def nothing(n: int) -> Slope:
    return Slope([mp.mpf(0)] * n, [mp.mpf(0)] * n)


def sides(i: int, labels: Sequence[int]) -> tuple[list[int], list[int]]:
    """The places of the positives and of the negatives of the embedding i."""
    others = [j for j in range(len(labels)) if j != i]
    return [j for j in others if labels[j] == labels[i]], [j for j in others if labels[j] != labels[i]]


def of_rows(i: int, x: Rows, slope: Slope) -> list[Number]:
    """The derivatives by all x, in both of their parts, and their scales."""
    return [added([a, b]) for a, b in zip(*by_rows(i, x, x, slope), strict=True)]


DEFINITIONS = {
    "nt_xent_loss": nt_xent,
    "nt_xent_loss (trained temperature)": nt_xent_by_temperature,
    "circle_loss": circle,
    "hard_triplet_loss": hard_triplet,
    "multi_similarity_loss": multi_similarity,
}
