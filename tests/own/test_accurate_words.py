"""Words that formulas of other libraries write by hand: accurate everywhere, and so are their gradients."""

from __future__ import annotations

import math

import pytest

import xlosses

POINTS = [-1e30, -200.0, -90.0, -30.0, -3.0, -1e-3, 0.0, 1e-3, 3.0, 30.0, 90.0, 1e30]


def sigmoid(x):
    return math.exp(x) / (1.0 + math.exp(x)) if x < 0 else 1.0 / (1.0 + math.exp(-x))


WORDS = {
    "softplus": (lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))), sigmoid),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
}


def by_word(word):
    return xlosses.formula(lambda xp, x: getattr(xp, word)(x))


FORMULAS = {word: by_word(word) for word in WORDS}


@pytest.mark.parametrize("word", WORDS)
def test_value_and_gradient(on, word):
    value, slope = WORDS[word]
    x = on.array(POINTS)

    def loss(x):
        return xlosses.evaluate(FORMULAS[word], dict(x=x), reduction="sum")

    found = on.read(xlosses.evaluate(FORMULAS[word], dict(x=x), reduction="none"))
    # MLX's exp and the smallest numbers, which some frameworks flush to 0
    assert found == pytest.approx(
        [value(p) for p in POINTS], rel=2e-5 if on.name == "mlx" else 3e-7, abs=1e-37
    )
    if on.bench.differentiates:
        gradient = on.read(on.bench.value_and_grad(loss, x)[1][0])
        assert gradient == pytest.approx([slope(p) for p in POINTS], rel=1e-5, abs=1e-7)
        assert gradient[POINTS.index(0.0)] == slope(0.0)


@pytest.mark.parametrize("word", WORDS)
def test_nan_and_infinities(on, word):
    x = on.array([math.nan, math.inf, -math.inf])
    nan, *ends = on.read(xlosses.evaluate(FORMULAS[word], dict(x=x), reduction="none"))
    assert math.isnan(nan)
    assert ends == ([math.inf, 0.0] if word == "softplus" else [1.0, 0.0])


@xlosses.formula("rows")
def log_softmax_of_first(xp, x):
    return xp.log_softmax(x)[..., 0]


def test_log_softmax(on):
    x = on.array([[0.0, 0.0], [1e4, 1e4 + 1.0], [-1e30, 0.0]])
    found = on.read(xlosses.evaluate(log_softmax_of_first, dict(x=x), reduction="none"))
    assert found == pytest.approx([-math.log(2.0), -math.log1p(math.e), -1e30], rel=1e-6)


@xlosses.formula("rows", static=("decay",))
def squared_average(xp, x, decay):
    """The square of an exponential moving average along each row, summed over its steps."""

    def step(state, entry):
        state = decay * state + (1.0 - decay) * entry
        return state, state * state

    return xp.sum(xp.scan(step, 0.0 * x[..., 0], xp.moveaxis(x, -1, 0))[1], axis=0)


def test_scan(on):
    rows = [[1.0, -2.0, 3.0, 0.5], [0.0, 4.0, 1.0, -1.0]]

    def averages(row):
        state = 0.0
        for entry in row:
            state = 0.75 * state + 0.25 * entry
            yield state

    def loss(x):
        return xlosses.evaluate(squared_average, dict(x=x), dict(decay=0.75), "sum")

    x = on.array(rows)
    states = [list(averages(row)) for row in rows]
    assert on.read(loss(x)) == pytest.approx(sum(s * s for row in states for s in row))
    wanted = [
        [sum(2.0 * row[t] * 0.25 * 0.75 ** (t - k) for t in range(k, len(row))) for k in range(len(row))]
        for row in states
    ]
    if on.bench.differentiates:
        gradient = on.read(on.bench.value_and_grad(loss, x)[1][0])
        assert gradient == [pytest.approx(row, abs=1e-6) for row in wanted]


def test_scan_of_several_arrays(on):
    xp = on.bench.xp
    x, y = on.array([1.0, 2.0, 3.0]), on.array([2.0, 0.5, 1.0])
    start = (x[0] * 0.0, x[0] * 0.0 + 1.0)
    last, ys = xp.scan(lambda s, z: ((s[0] + z[0] * z[1], s[1] * z[1]), s[0]), start, (x, y))
    assert [on.read(part) for part in last] == [6.0, 1.0]
    assert on.read(ys) == [0.0, 2.0, 3.0]


@xlosses.formula("rows", "integer rows")
def sum_of_entries(xp, x, places):
    return xp.sum(xp.pick(x, places) ** 2, axis=-1)


@sum_of_entries.refuses
def no_places(xp, x, places):
    yield 1, xp.logical_or(places < 0, places >= x.shape[-1]), "places"


def test_several_entries_of_a_row(on):
    x, places = on.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), on.array([[2, 0, 2, 2], [1, 1, 0, 0]], "int32")

    def loss(x, **options):
        return xlosses.evaluate(sum_of_entries, dict(x=x, places=places), **options)

    assert on.read(loss(x, reduction="none")) == [28.0, 82.0]
    if on.bench.differentiates:
        gradient = on.bench.value_and_grad(lambda x: loss(x, reduction="sum"), x)[1][0]
        assert on.read(gradient) == [[2.0, 0.0, 18.0], [16.0, 20.0, 0.0]]


def test_rows_of_integers_along_another_axis(on):
    """These stay as they are; what is refused is left out by a mask."""
    x, places = on.array([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]), on.array([[2], [3]], "int32")
    kept = on.array([True, False], "bool")
    arrays = dict(x=x, places=places)
    found = xlosses.evaluate(sum_of_entries, arrays, reduction="none", where=kept, axis=0)
    assert on.read(found) == [9.0, 0.0]
    if on.looks:
        with pytest.raises(ValueError, match="places must be places, got 3; exclude rows by `where`"):
            xlosses.evaluate(sum_of_entries, arrays, axis=0)
