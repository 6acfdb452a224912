"""Ensembles: members that are equal, members at the target, one member, infinite ones."""

from __future__ import annotations

import pytest
from matrix import except_on_jax
from test_truth import INF, NAN, Row, check

import xlosses

crps, energy = xlosses.crps_loss, xlosses.energy_loss

ROWS = [
    Row(
        "the target between",
        crps,
        ([[0.0, 1.0, 3.0, 4.0]], [2.0]),
        [0.625],
        [[-0.0625, -0.1875, 0.1875, 0.0625]],
    ),
    Row(
        "the target between, fair",
        crps,
        ([[0.0, 1.0, 3.0, 4.0]], [2.0]),
        [1 / 3],
        [[0.0, -1 / 6, 1 / 6, 0.0]],
        {"fair": True},
    ),
    Row("all above", crps, ([[1.0, 2.0]], [0.0]), [1.25], [[0.75, 0.25]]),
    Row("equal members share", crps, ([[2.0, 2.0, -1.0]], [0.0]), [1.0], [[2 / 9, 2 / 9, -1 / 9]]),
    Row("a member at the target", crps, ([[0.0, 1.0, 2.0]], [0.0]), [5 / 9], [[0.0, 1 / 3, 1 / 9]]),
    Row("all at the target", crps, ([[3.0, 3.0]], [3.0]), [0.0], [[0.0, 0.0]]),
    Row("one member", crps, ([[3.0], [-1.0]], [1.0, 1.0]), [2.0, 2.0], [[1.0], [-1.0]]),
    Row("on either side, fair", crps, ([[-1.0, 1.0]], [0.0]), [0.0], [[0.0, 0.0]], {"fair": True}),
    Row("no large sums", crps, ([[3e38, 3e38, 3e38]], [0.0]), [3e38], [[1 / 3] * 3]),
    Row("close to a far target", crps, ([[1.0, 1.0 + 2.0**-20]], [1.0]), [2.0**-22], [[0.0, 0.25]]),
    Row("infinite members", crps, ([[INF, 0.0], [-INF, 0.0]], [1.0, 1.0]), [INF, INF]),
    Row("NaN", crps, ([[NAN, 0.0], [0.0, 0.0]], [0.0, NAN]), [NAN, NAN]),
    Row(
        "on both sides of the target",
        energy,
        ([[[0.0, 0.0], [6.0, 8.0]]], [[3.0, 4.0]]),
        [2.5],
        [[[-0.15, -0.2], [0.15, 0.2]]],
    ),
    Row(
        "vectors, fair",
        energy,
        ([[[0.0, 0.0], [6.0, 8.0]]], [[3.0, 4.0]]),
        [0.0],
        [[[0.0, 0.0]] * 2],
        {"fair": True},
    ),
    Row("members that coincide", energy, ([[[3.0, 4.0]] * 2], [[0.0, 0.0]]), [5.0], [[[0.3, 0.4]] * 2]),
    Row(
        "a member at the target is pushed by the others",
        energy,
        ([[[0.0, 0.0], [3.0, 4.0]]], [[0.0, 0.0]]),
        [1.25],
        [[[0.15, 0.2], [0.15, 0.2]]],
    ),
    Row("all at the target, vectors", energy, ([[[3.0, 1.0]] * 3], [[3.0, 1.0]]), [0.0], [[[0.0, 0.0]] * 3]),
    Row("one vector", energy, ([[[3.0, 4.0]]], [[0.0, 0.0]]), [5.0], [[[0.6, 0.8]]]),
    Row(
        "vectors of one number",
        energy,
        ([[[0.0], [1.0], [3.0], [4.0]]], [[2.0]]),
        [0.625],
        [[[-0.0625], [-0.1875], [0.1875], [0.0625]]],
    ),
    Row(
        "lengths whose squares are infinite",
        energy,
        ([[[3e30, 4e30]] * 2], [[0.0, 0.0]]),
        [5e30],
        [[[0.3, 0.4]] * 2],
    ),
    Row(
        "no large sums of vectors", energy, ([[[3e38, 0.0]] * 3], [[0.0, 0.0]]), [3e38], [[[1 / 3, 0.0]] * 3]
    ),
    Row(
        "close to a far target, vectors",
        energy,
        ([[[1.0 + 2.0**-20, 1.0]]], [[1.0, 1.0]]),
        [2.0**-20],
        [[[1.0, 0.0]]],
    ),
    Row(
        "NaN in vectors",
        energy,
        ([[[NAN, 0.0], [0.0, 0.0]], [[0.0, 0.0]] * 2], [[0.0, 0.0], [0.0, NAN]]),
        [NAN, NAN],
    ),
    Row("NaN, fair", crps, ([[NAN, 0.0], [0.0, 0.0]], [0.0, NAN]), [NAN, NAN], options={"fair": True}),
]


@except_on_jax
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_ensembles(on, row):
    check(on, row)


def test_fair_needs_two_members(on):
    message = "^fair=True needs an ensemble of two members or more, got one$"
    with pytest.raises(ValueError, match=message):
        crps(on.array([[1.0]]), on.array([1.0]), fair=True)
    with pytest.raises(ValueError, match="axis=2 is out of range"):
        crps(on.array([[1.0]]), on.array([1.0]), fair=True, axis=2)


def test_ensembles_of_vectors_that_do_not_fit(on):
    x, y = on.array([[[1.0, 2.0]] * 3] * 2), on.array([[1.0, 2.0]] * 2)
    with pytest.raises(ValueError, match=r"^targets must have the shape \(2, 2\), got an array of shape "):
        energy(x, y[:1, :])
    with pytest.raises(ValueError, match=r"^targets must have the shape \(2, 2\), got float$"):
        energy(x, 0.5)
    with pytest.raises(ValueError, match=r"^ensemble must have a shape \(..., m, D\), got \(2,\)$"):
        energy(y[0, :], y[0, :])
    with pytest.raises(ValueError, match=r"^fair=True needs an ensemble of two members or more, got one$"):
        energy(x[:, :1, :], y, fair=True)
    with pytest.raises(ValueError, match=r"^fair=False needs an ensemble of a member, got none$"):
        energy(x[:, :0, :], y)


@pytest.mark.parametrize("shape", [(), (6,), (2, 3)])
def test_batches_of_ensembles_of_vectors(on, shape):
    """In blocks and chunks of every size, with a mask over a NaN."""
    xp, n = on.bench.xp, 1
    for length in shape:
        n *= length
    x = [[[0.5 * ((3 * i + 5 * j) % 7), 0.25 * (i - j)] for j in range(3)] for i in range(n)]
    y = [[0.25 * i, 1.0] for i in range(n)]
    where = [i != 0 or n == 1 for i in range(n)]
    wanted = [on.read(energy(on.array([a]), on.array([b]))) for a, b in zip(x, y, strict=True)]
    if n > 1:
        x[0][1][0] = NAN
    x, y, where = on.array(x), on.array(y), on.array(where, "bool")
    given = xp.reshape(x, (*shape, 3, 2)), xp.reshape(y, (*shape, 2))
    settings = {"where": xp.reshape(where, shape), "reduction": "sum"}
    for size in (1, 40, "on"):
        with xlosses.engine(size):
            value, (by_x, by_y) = xlosses.value_and_grad(energy, (0, 1))(*given, **settings)
        assert on.read(value) == pytest.approx(sum(wanted[1:] if n > 1 else wanted), rel=1e-5)
        assert tuple(by_x.shape) == (*shape, 3, 2)
        assert on.read(xp.sum(by_x)) == pytest.approx(-on.read(xp.sum(by_y)), abs=1e-5)


@pytest.mark.parametrize("fair", [False, True])
@pytest.mark.parametrize("rows", [2, 4_000])
def test_both_forms_of_energy_agree(on, rows, fair):
    """Large arrays take the ordinary form, and the careful one as soon as two members coincide."""
    x = [[[1.0, 0.5 * (k % 3)], [-0.25, 0.125 * (k % 5)], [2.0, 1.0 + k % 2]] for k in range(rows)]
    y = on.array([[0.5, 0.25 * (k % 4) - 1.0] for k in range(rows)])
    f = xlosses.value_and_grad(energy, (0, 1))
    results = [
        f(on.array([*x[:-1], last]), y, fair=fair, reduction="sum") for last in (x[-1], [x[-1][0]] * 3)
    ]
    (_, (by_x, by_y)), (_, careful) = results
    for found, wanted in zip(careful, (by_x, by_y), strict=True):
        assert on.read(on.bench.xp.max(on.bench.xp.abs((found - wanted)[: rows - 1, ...]))) <= 1e-6
    terms = [energy(on.array(z), y, fair=fair, reduction="none") for z in (x, [*x[:-1], [x[-1][0]] * 3])]
    assert on.read(on.bench.xp.max(on.bench.xp.abs((terms[0] - terms[1])[: rows - 1]))) <= 1e-6
