"""What is wrong, which argument, which value, what to do: the same words on every framework."""

from __future__ import annotations

import re

import pytest
from matrix import every_case, floating

import xlosses
from xlosses._core.checks import REDUCTIONS
from xlosses.testing.data import KINDS, drawn
from xlosses.testing.parity import arrays


def raises(error, message):
    return pytest.raises(error, match=re.escape(message) + "$")


@every_case
def test_unknown_reduction(on, case):
    given = arrays(case, on.bench, drawn(case.arrays, 3)).values()
    message = "reduction must be one of 'none', 'sum', 'mean', 'weighted_mean', got 'average'"
    with raises(ValueError, message):
        case.loss(*given, reduction="average")


@every_case
def test_reduction_is_checked_before_anything_else(on, case):
    with pytest.raises(ValueError, match="reduction must be one of"):
        case.loss(*[on.array([float("nan")])] * len(case.arrays), reduction="max")


@every_case
def test_first_array_is_no_array(on, case):
    given = list(arrays(case, on.bench, drawn(case.arrays, 3)).values())
    first = next(iter(case.arrays))
    message = (
        f"{first} must be an array of NumPy, PyTorch, JAX, MLX or another array API library, "
        "got list; convert it first"
    )
    if case.by_rows and case.loss is xlosses.cross_entropy:
        given[1:] = [given[0]]
    with raises(TypeError, message):
        case.loss([[1.0, 2.0]], *given[1:])


@every_case
def test_other_array_is_no_array(on, case):
    given = list(arrays(case, on.bench, drawn(case.arrays, 3)).values())
    given = dict(zip(case.arrays, given, strict=True))
    second = next(name for name in list(given)[1:] if not case.is_shared(name))
    with pytest.raises(TypeError, match=f"^{second} must be an array of .*, got tuple; convert it first$"):
        case.loss(**{**given, second: (1.0, 2.0, 3.0)})


@every_case
def test_unequal_shapes(on, case):
    data = drawn(case.arrays, 3)
    given = arrays(case, on.bench, data)
    for name in list(case.arrays)[1:]:
        if case.is_shared(name):
            continue
        shorter = on.array(data[name][:2], KINDS[case.arrays[name]].dtype or "float32")
        with pytest.raises(ValueError, match=r"shape") as caught:
            case.loss(**{**given, name: shorter})
        assert str(tuple(shorter.shape)) in str(caught.value)
        assert name in str(caught.value)


def test_no_silent_broadcast(on):
    x, column = on.array([1.0, 2.0, 3.0]), on.array([[1.0], [2.0], [3.0]])
    message = "targets must have the shape (3,) to match inputs of shape (3,), got (3, 1)"
    for loss in (xlosses.hinge_loss, xlosses.huber_loss, xlosses.log_cosh_loss, xlosses.binary_cross_entropy):
        with raises(ValueError, message):
            loss(x, column)
    with raises(ValueError, message.replace("inputs", "predictions")):
        xlosses.mse_loss(x, column)


def test_rows_that_do_not_match(on):
    x = on.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    with raises(ValueError, "targets must have the shape (2,) to match logits of shape (2, 3), got (3,)"):
        xlosses.cross_entropy(x, on.array([0, 1, 2], "int32"))
    with raises(ValueError, "targets must have the shape (3,) to match logits of shape (2, 3), got (2,)"):
        xlosses.cross_entropy(x, on.array([0, 1], "int32"), axis=0)
    with raises(ValueError, "targets must have the shape (2, 3) to match logits of shape (2, 3), got (3, 2)"):
        xlosses.cross_entropy(x, on.array([[0.0, 1.0]] * 3))
    message = "class_weights must have the shape (3,) to match logits of shape (2, 3), got (2,)"
    with raises(ValueError, message):
        xlosses.cross_entropy(x, on.array([0, 1], "int32"), class_weights=on.array([1.0, 2.0]))
    message = (
        "vectors must have equally many axes, the same length along axis=1 and lengths that are equal or 1 "
        "along the others, but x1 has shape (2, 3), x2 has shape (2, 2)"
    )
    with raises(ValueError, message):
        xlosses.cosine_similarity_loss(x, on.array([[1.0, 2.0]] * 2))
    with raises(ValueError, message.replace("x2 has shape (2, 2)", "x2 has shape (3,)")):
        xlosses.cosine_similarity_loss(x, on.array([1.0, 2.0, 3.0]))


def test_axis(on):
    x, y = on.array([[1.0, 2.0]]), on.array([0], "int32")
    for axis in (2, -3):
        with raises(ValueError, f"axis={axis} is out of range for an array with 2 axes"):
            xlosses.cross_entropy(x, y, axis=axis)
    with raises(ValueError, "inputs has no entries along axis=1: its shape is (2, 0)"):
        xlosses.kl_div_loss(on.array([[], []]), on.array([[], []]))


PARAMETERS = [
    (xlosses.info_nce_loss, "temperature", 0.0, "a number > 0"),
    (xlosses.info_nce_loss, "temperature", -0.1, "a number > 0"),
    (xlosses.siglip_loss, "scale", float("inf"), "a finite number"),
    (xlosses.siglip_loss, "bias", float("nan"), "a finite number"),
    (xlosses.supervised_contrastive_loss, "temperature", 0.0, "a number > 0"),
    (xlosses.nt_xent_loss, "temperature", -1.0, "a number > 0"),
    (xlosses.circle_loss, "gamma", 0.0, "a number > 0"),
    (xlosses.circle_loss, "margin", float("inf"), "a finite number"),
    (xlosses.hard_triplet_loss, "margin", float("nan"), "a finite number"),
    (xlosses.multi_similarity_loss, "alpha", 0.0, "a number > 0"),
    (xlosses.multi_similarity_loss, "beta", -1.0, "a number > 0"),
    (xlosses.multi_similarity_loss, "base", float("inf"), "a finite number"),
    (xlosses.vicreg_loss, "invariance", -1.0, "a number >= 0"),
    (xlosses.vicreg_loss, "variance", float("nan"), "a number >= 0"),
    (xlosses.vicreg_loss, "covariance", -1.0, "a number >= 0"),
    (xlosses.vicreg_loss, "eps", 0.0, "a number > 0"),
    (xlosses.barlow_twins_loss, "off_diagonal", -1.0, "a number >= 0"),
    (xlosses.barlow_twins_loss, "eps", -1e-5, "a number >= 0"),
    (xlosses.huber_loss, "delta", 0.0, "a number > 0"),
    (xlosses.huber_loss, "delta", -1.0, "a number > 0"),
    (xlosses.huber_loss, "delta", float("nan"), "a number > 0"),
    (xlosses.smooth_l1_loss, "beta", -0.5, "a number >= 0"),
    (xlosses.cross_entropy, "label_smoothing", 1.0, "a number in [0, 1)"),
    (xlosses.cross_entropy, "label_smoothing", -0.1, "a number in [0, 1)"),
    (xlosses.gaussian_nll_loss, "eps", 0.0, "a number > 0"),
    (xlosses.cosine_similarity_loss, "eps", -1e-8, "a number >= 0"),
    (xlosses.margin_ranking_loss, "margin", float("inf"), "a finite number"),
    (xlosses.triplet_loss, "margin", float("nan"), "a finite number"),
    (xlosses.triplet_loss, "eps", -1.0, "a number >= 0"),
    (xlosses.triplet_loss, "p", 0.5, "a number >= 1"),
]


@pytest.mark.parametrize(("loss", "name", "value", "wanted"), PARAMETERS)
def test_parameters_out_of_range(on, loss, name, value, wanted):
    x = on.array([[1.0, 2.0]])
    rest = [x] * (len([a for a in arguments(loss) if a]) - 1)
    with raises(ValueError, f"{name} must be {wanted}, got {value}"):
        loss(x, *rest, **{name: value})


@pytest.mark.parametrize(("loss", "name", "value", "wanted"), PARAMETERS)
def test_parameters_that_are_no_numbers(on, loss, name, value, wanted):
    x = on.array([[1.0, 2.0]])
    rest = [x] * (len(arguments(loss)) - 1)
    with pytest.raises(TypeError, match=f"^{name} must be a "):
        loss(x, *rest, **{name: "1"})
    with pytest.raises(TypeError, match=f"^{name} must be a "):
        loss(x, *rest, **{name: on.array([1.0])})


def arguments(loss):
    from xlosses.testing import CASES

    return list(CASES[loss.__name__].arrays)


def test_weights_and_where(on):
    x = on.array([[1.0, 2.0]] * 3)
    tail = "must have the shape (3, 2) of the unreduced loss, or 1 in place of some of its lengths, got "
    for shape, values in {
        "(3,)": [1.0] * 3,
        "(2, 2)": [[1.0, 1.0]] * 2,
        "(1, 3, 2)": [[[1.0, 1.0]] * 3],
    }.items():
        with raises(ValueError, f"weights {tail}{shape}"):
            xlosses.mse_loss(x, 0.0, weights=on.array(values))
        with raises(ValueError, f"where {tail}{shape}"):
            xlosses.mse_loss(x, 0.0, where=on.array(values, "bool"))
    with raises(TypeError, "where must be a boolean array, got dtype float32"):
        xlosses.mse_loss(x, 0.0, where=x)
    with raises(TypeError, "where must be a boolean array, got the number 1"):
        xlosses.mse_loss(x, 0.0, where=1)


def test_dtypes(on):
    x = on.array([1.0])
    message = "dtype must be a real floating dtype (float16, bfloat16, float32, float64), got int32"
    with raises(TypeError, message):
        xlosses.mse_loss(x, 0.0, dtype="int32")
    with raises(TypeError, message):
        xlosses.mse_loss(x, 0.0, dtype=on.array([1], "int32").dtype)
    absent = {"float16", "bfloat16", "float64"} - set(on.bench.dtypes())
    for name in absent:
        with pytest.raises(ValueError, match=f"^dtype='{name}' "):
            xlosses.mse_loss(x, 0.0, dtype=name)


def test_complex(on):
    z = on.bench.xp.astype(on.array([1.0]), on.bench.xp.complex64)
    with raises(TypeError, "predictions must be real, got dtype complex64"):
        xlosses.mse_loss(z, 0.0)
    with raises(TypeError, "targets must be real, got dtype complex64"):
        xlosses.mse_loss(on.array([1.0]), z)
    with raises(TypeError, "weights must be real, got dtype complex64"):
        xlosses.mse_loss(on.array([1.0]), 0.0, weights=z)


def test_floating_labels(on):
    x = on.array([[1.0, 2.0]])
    for loss in (xlosses.cross_entropy, xlosses.nll_loss):
        with raises(TypeError, "targets must be integer class labels, got dtype float32"):
            loss(x, on.array([1.0]))
        with raises(TypeError, "targets must be integer class labels, got the number 1.0"):
            loss(x, 1.0)


def test_ignore_index_with_probabilities(on):
    message = (
        "ignore_index=0 needs integer targets, got probabilities of shape (1, 2); leave rows out by `where`"
    )
    with raises(ValueError, message):
        xlosses.cross_entropy(on.array([[1.0, 2.0]]), on.array([[0.5, 0.5]]), ignore_index=0)


@every_case
def test_complex_everywhere(on, case):
    data = drawn(case.arrays, 2)
    given = arrays(case, on.bench, data)
    for name in floating(case):
        z = on.bench.xp.astype(given[name], on.bench.xp.complex64)
        with raises(TypeError, f"{name} must be real, got dtype complex64"):
            case.loss(**{**given, name: z})


def test_the_four_reductions():
    assert REDUCTIONS == ("none", "sum", "mean", "weighted_mean")


def test_gradient_of_the_unreduced_loss(on):
    with raises(ValueError, "a gradient needs a reduction to one number, got reduction='none'"):
        xlosses.value_and_grad(xlosses.mse_loss)(on.array([1.0]), 0.0, reduction="none")


def test_gradient_without_a_slope(on):
    doubled = xlosses.formula(lambda xp, x: xp.abs(x))
    with pytest.raises(TypeError, match=r"has no slope: give it one, or differentiate by the framework$"):
        xlosses.value_and_grad(lambda x, reduction: xlosses.evaluate(doubled, {"x": x}, None, reduction))(
            on.array([1.0])
        )
