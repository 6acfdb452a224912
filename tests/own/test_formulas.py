"""Formulas of a user's own: what is declared wrongly is refused in a sentence."""

from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace

import pytest
from matrix import flatten

import xlosses
from xlosses._core import reduce
from xlosses._core.formula import declared
from xlosses.testing import KINDS, Case, Kind, Term, compare


@xlosses.formula("rows", "rows")
def distillation(xp, student, teacher):
    largest, rest = xp.log_sum_exp(student)
    return -xp.sum(xp.softmax(teacher) * (student - largest[..., None] - rest[..., None]), axis=-1)


@distillation.slope
def distillation_slope(xp, student, teacher):
    p = xp.softmax(student)
    return p - xp.softmax(teacher)


@xlosses.formula("rows", "labels")
def marked(xp, x, label):
    return 0.5 * xp.sum(x * x, axis=-1) + xp.pick(x, label)


@marked.slope
def marked_slope(xp, x, label):
    return xp.add_at(x, label, xp.ones_like(x[..., 0]))


@xlosses.formula
def squared(xp, x, y, factor=1.0):
    return factor * (x - y) * (x - y)


DECLARED_WRONGLY = [
    ((("row", "rows"),), r"an array of a formula is one of 'elements', .*, got 'row'"),
    ((("elements", "rows"),), r"beside 'elements' an array is one of 'elements', 'shared', .*got 'rows'"),
    ((("rows", "elements"),), r"beside 'rows' an array is one of .*, got 'elements'"),
    ((("labels", "rows"),), r"the first array of a formula is one of .*, got 'labels'"),
    ((("rows", "labels", "labels"),), r"one array of 'labels' at most"),
]


@pytest.mark.parametrize(("words", "message"), DECLARED_WRONGLY)
def test_a_wrong_word_is_refused_where_it_is_written(words, message):
    with pytest.raises(ValueError, match=message):
        xlosses.formula(*words[0])(lambda xp, *arrays: arrays[0])


def test_a_static_parameter_is_one_of_the_function():
    with pytest.raises(ValueError, match="static='power' is no parameter of squared"):
        xlosses.formula("elements", "elements", static=("power",))(squared.terms)


def test_what_reads_one_entry_has_labels():
    with pytest.raises(ValueError, match="reads_one_entry needs an array of 'labels'"):
        declared("rows", "rows", reads_one_entry=True)


def test_arrays_are_as_many_as_the_words(on):
    x = on.array([[1.0, 2.0]])
    for arrays, got in (({"x": x}, "got 1: x"), ({"x": x, "y": x, "z": x}, "got 3: x, y, z")):
        with pytest.raises(TypeError, match=r"<formula distillation> takes 2 arrays \(rows, rows\), " + got):
            xlosses.evaluate(distillation, arrays)


def test_evaluate_takes_a_formula_and_arrays(on):
    x = on.array([1.0])
    with pytest.raises(TypeError, match="evaluate takes a formula, got function; decorate the function by"):
        xlosses.evaluate(squared.terms, dict(x=x, y=x))
    with pytest.raises(TypeError, match="<formula squared> needs at least one array, got none"):
        xlosses.evaluate(squared, {})
    for none in ({"x": None, "y": x}, {"x": None, "y": None}, {"x": x, "y": None}):
        with pytest.raises(TypeError, match=r"^[xy] must be an array of .*, got NoneType; convert it first"):
            xlosses.evaluate(squared, none)


@pytest.mark.parametrize("value", [None, "1", [1.0]])
def test_parameters_are_numbers(on, value):
    x = on.array([1.0, 2.0])
    with pytest.raises(TypeError, match="factor must be a number or a 0-d array, got"):
        xlosses.evaluate(squared, dict(x=x, y=x), dict(factor=value))


def test_a_parameter_has_no_axes(on):
    x = on.array([[1.0, 2.0]] * 3)
    with pytest.raises(
        TypeError, match=r"factor must be a number or a 0-d array, got an array of shape \(3, 1\)"
    ):
        xlosses.evaluate(squared, dict(x=x, y=x), dict(factor=on.array([[1.0]] * 3)))


@pytest.mark.parametrize("first", [True, False])
def test_numbers_that_are_to_be_whole(on, first):
    """The first call and one after a right one: 1 and 1.0 are equal keys."""
    x, labels = on.array([[1.0, 2.0]] * 2), on.array([0, 1], "int32")
    if not first:
        xlosses.cross_entropy(x, labels, axis=1, ignore_index=0)
    with pytest.raises(TypeError, match=r"axis must be an integer, got 1\.0"):
        xlosses.cross_entropy(x, labels, axis=1.0)
    for wrong in (0.0, "0"):
        with pytest.raises(TypeError, match=f"ignore_index must be an integer, got {wrong!r}"):
            xlosses.cross_entropy(x, labels, ignore_index=wrong)
    assert flatten(on.read(xlosses.cross_entropy(x, labels, axis=1)))


def test_terms_have_the_shape_that_a_mean_counts(on):
    x = on.array([[1.0, 2.0, 4.0]] * 2)
    unsummed = xlosses.formula("rows", "rows")(lambda xp, x, y: x - y)
    summed = xlosses.formula(lambda xp, x, y: xp.sum(x - y, axis=-1))
    number = xlosses.formula(lambda xp, x, y: 0.0)
    for form, message in (
        (unsummed, r"must have the shape \(2,\), got shape \(2, 3\)"),
        (summed, r"must have the shape \(2, 3\), got shape \(2,\)"),
        (number, r"must have the shape \(2, 3\), got float"),
    ):
        for _ in range(2):
            with pytest.raises(ValueError, match="the terms of formula .* " + message):
                xlosses.evaluate(form, dict(x=x, y=x))


def test_a_slope_by_what_all_terms_share_is_refused():
    """It would not be summed over the terms, and give a wrong gradient."""
    form = xlosses.formula("elements", "shared")(lambda xp, x, s: s * x)
    with pytest.raises(ValueError, match="a slope by 'shared' would have to be summed over the terms"):
        form.slope(by=("x", "s"))(lambda xp, x, s: (s, x))


def test_slopes_have_the_shape_of_the_first_array(on):
    form = xlosses.formula("rows", "rows")(lambda xp, x, y: xp.sum(x - y, axis=-1))
    form.slope(lambda xp, x, y: xp.ones_like(x[..., 0]))
    x = on.array([[1.0, 2.0, 4.0]] * 2)
    loss = xlosses.value_and_grad(lambda x: xlosses.evaluate(form, dict(x=x, y=0.0), reduction="sum"))
    with pytest.raises(
        ValueError, match=r"the slopes of formula .* must have the shape \(2, 3\), got shape \(2,\)"
    ):
        loss(x)


@pytest.mark.parametrize("rows", [3, 4096])
def test_two_softmaxes_of_one_slope_are_two_arrays(on, rows):
    student = on.array([[0.25 * ((i + k) % 7) for k in range(64)] for i in range(rows)])
    teacher = on.array([[0.5 * ((i * k) % 5) for k in range(64)] for i in range(rows)])

    def loss(x):
        return xlosses.evaluate(distillation, dict(student=x, teacher=teacher), reduction="sum")

    slope = flatten(on.read(xlosses.value_and_grad(loss)(student)[1]))
    xp = on.bench.xp
    wanted = flatten(on.read(xp.softmax(student) - xp.softmax(teacher)))
    assert slope == pytest.approx(wanted, abs=1e-6)
    assert max(map(abs, slope)) > 0.01
    if on.bench.differentiates:
        _, (gradient,) = on.bench.value_and_grad(loss, student)
        assert flatten(on.read(gradient)) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("rows", [2, 20_000])
def test_a_slope_that_adds_at_labels_leaves_its_arrays_alone(on, rows):
    x, labels = (
        on.array([[1.0, 2.0, 4.0]] * rows),
        on.array([0] * rows, "int64" if on.name != "jax" else "int32"),
    )

    def loss(x):
        return xlosses.evaluate(marked, dict(x=x, targets=labels), reduction="sum")

    slope = on.read(xlosses.value_and_grad(loss)(x)[1])
    assert slope[0] == [2.0, 2.0, 4.0]
    assert on.read(x)[0] == [1.0, 2.0, 4.0]
    if on.bench.differentiates:
        on.bench.value_and_grad(loss, x)
        assert on.read(x)[0] == [1.0, 2.0, 4.0]


def mse(x, y, reduction="mean"):
    return xlosses.mse_loss(x, y, reduction)


AROUND_A_LOSS = "value_and_grad has the slope of a loss alone, and not of what a function does around it: "
BY_TARGETS = "<formula squared_error> has no slope by targets: "
OTHER, PLACES, BOTH, CHANGED = (
    "the loss was not given argument 0 as one of its arrays",
    "it gives the loss the array as something else, too",
    "it evaluates 2 losses",
    "it does not return what the loss gave",
)
AROUND = {
    "another array": (OTHER, lambda x: xlosses.mse_loss(3.0 * x, 0.0)),
    "the other way round": (BY_TARGETS, lambda x: xlosses.mse_loss(0.0 * x, x)),
    "no loss": (OTHER, lambda x: x),
    "in two places": (BY_TARGETS, lambda x: xlosses.mse_loss(x, x)),
    "as its own weight": (PLACES, lambda x: xlosses.mse_loss(x, 0.0, weights=x)),
    "a sum": (BOTH, lambda x: xlosses.mse_loss(x, 0.0) + xlosses.l1_loss(x, 0.0)),
    "one of two": (BOTH, lambda x: (xlosses.l1_loss(x, 0.0), xlosses.mse_loss(x, 0.0))[1]),
    "a multiple": (CHANGED, lambda x: 0.5 * xlosses.mse_loss(x, 0.0)),
    "a tuple": (CHANGED, lambda x: (xlosses.mse_loss(x, 0.0), x)),
}


@pytest.mark.parametrize(("why", "around"), AROUND.values(), ids=AROUND)
def test_a_function_around_a_loss_is_refused(on, why, around):
    message = why if why == BY_TARGETS else f"{AROUND_A_LOSS}{why};"
    with pytest.raises(TypeError, match=message):
        xlosses.value_and_grad(around)(on.array([1.0, 2.0]))


def test_a_gradient_by_what_is_no_array_is_refused(on):
    with pytest.raises(
        TypeError, match=r"^predictions must be an array of NumPy, .*got list; convert it first$"
    ):
        xlosses.value_and_grad(xlosses.mse_loss)([1.0], [0.0])
    for argnums in (2, 3):
        with pytest.raises(TypeError, match=f"the loss was not given argument {argnums} as one of"):
            xlosses.value_and_grad(mse, argnums)(on.array([1.0]), on.array([1.0]))


def test_what_hands_the_array_on_has_its_gradient(on):
    x, y = on.array([1.0, 3.0]), on.array([0.0, 0.0])
    by_keyword = {"targets": y, "predictions": x, "reduction": "sum"}
    for found, times in (
        (xlosses.value_and_grad(mse)(x, y), 1.0),
        (xlosses.value_and_grad(mse)(x, y, "sum"), 2.0),
        (xlosses.value_and_grad(xlosses.mse_loss)(x, y, "sum"), 2.0),
        (xlosses.value_and_grad(xlosses.mse_loss)(**by_keyword), 2.0),
        (xlosses.value_and_grad(xlosses.mse_loss)(x, y, "sum", weights=y + 1.0), 2.0),
        (xlosses.value_and_grad(lambda y, x: xlosses.mse_loss(x, y, "sum"), argnums=1)(y, x), 2.0),
    ):
        assert on.read(found[0]) == 5.0 * times
        assert on.read(found[1]) == [1.0 * times, 3.0 * times]


def test_one_array_for_two_arguments_has_the_gradient_by_the_first(on):
    x = on.array([1.0, 3.0])
    value, gradient = xlosses.value_and_grad(xlosses.mse_loss)(x, x, "sum", weights=x)
    assert (on.read(value), on.read(gradient)) == (0.0, [0.0, 0.0])


def test_what_is_refused_leaves_nothing_behind(on):
    x = on.array([1.0, 2.0])
    with pytest.raises(TypeError):
        xlosses.value_and_grad(AROUND["a sum"])(x)
    assert on.read(xlosses.mse_loss(x, 0.0)) == 2.5


def test_formulas_are_pickled_and_copied(on):
    x = on.array([[1.0, 2.0]])
    arrays = dict(student=x, teacher=x)
    xlosses.evaluate(distillation, arrays)  # which leaves a plan behind
    assert copy.deepcopy(distillation) is copy.copy(distillation) is distillation
    assert copy.copy(on.bench.xp) is copy.deepcopy(on.bench.xp) is on.bench.xp
    for form in (distillation, xlosses.losses.regression.huber, xlosses.losses.ranking.triplet):
        assert pickle.loads(pickle.dumps(form)).__name__ == form.__name__  # noqa: S301


def test_a_formula_of_a_closure_is_pickled_by_value(on):
    import cloudpickle

    def of(factor):
        @xlosses.formula
        def scaled(xp, x, y):
            return factor * (x - y)

        scaled.slope(lambda xp, x, y: factor * xp.ones_like(x))
        scaled.ordinary(lambda xp, x, y: factor * (x - y))
        return scaled

    other = pickle.loads(cloudpickle.dumps(of(3.0)))  # noqa: S301
    x = on.array([1.0, 2.0])
    value, gradient = xlosses.value_and_grad(lambda x: xlosses.evaluate(other, dict(x=x, y=0.0), {}, "sum"))(
        x
    )
    assert (on.read(value), on.read(gradient)) == (9.0, [3.0, 3.0])


def test_two_formulas_of_one_name_are_told_apart():
    def of(factor):
        return xlosses.formula(lambda xp, x: factor * x)

    one, two = of(1.0), of(2.0)
    assert one.key != two.key


def test_a_case_without_a_slope_has_its_values_checked(on):
    if on.name == "strict":
        return

    def reference(x, y):
        return Term(2.0 * (x - y), (2.0, -2.0))

    form = xlosses.formula(lambda xp, x, y: 2.0 * (x - y))

    def loss(x, y, reduction="mean"):
        return xlosses.evaluate(form, dict(x=x, y=y), {}, reduction)

    case = Case("doubled", loss, reference, {"x": "prediction", "y": "target"})
    found = compare(case, on.name)
    gradients = [] if on.name == "numpy" else ["gradient by x", "gradient by y"]
    assert [c.array for c in found] == ["value", "mean", *gradients]
    assert all(c.passed for c in found)
    wrong = Case("doubled", loss, lambda x, y: Term(x - y, (1.0, -1.0)), case.arrays)
    assert not any(c.passed for c in compare(wrong, on.name))


def test_kinds_of_data_may_be_added(on, monkeypatch):
    def reference(x, y):
        return Term(abs(x - y), (1.0 if x > y else -1.0,))

    case = Case("l1_loss", xlosses.l1_loss, reference, {"predictions": "age", "targets": "target"})
    with pytest.raises(ValueError, match=r"unknown kind of data 'age'; known are .*; add yours to"):
        compare(case, "numpy")
    monkeypatch.setitem(KINDS, "age", Kind(lambda rng: rng.uniform(0.0, 100.0)))
    if on.name == "numpy":
        assert all(c.passed for c in compare(case, "numpy"))


def test_a_length_that_is_not_known_is_counted_with_the_terms(on):
    """As in ndonnx while it traces: NaN and infinite terms count as well."""
    terms = on.array([1.0, float("nan"), float("inf")])
    operands = SimpleNamespace(
        mask=None, xp=on.bench.xp, shape=(None,), plan=SimpleNamespace(compute=terms.dtype)
    )
    assert on.read(reduce._count(operands, terms)) == 3.0
