"""What holds of the values and gradients of a loss: bounds, optimum, NaN, finiteness, slope and autodiff."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scales
import strategies
from hypothesis import assume, given
from hypothesis import strategies as st
from matrix import every_group, except_on_jax
from strategies import (
    EXTREME,
    FINITE,
    LARGEST,
    ORDINARY,
    TINY,
    Batch,
    batches,
    lost_by_autodiff,
    of_cosines,
    terms_one_by_one,
    too_far_apart,
)
from subject import Subject

from xlosses.testing import CASES, Case
from xlosses.testing.references import Term


def least_value(case, batch, options, tolerance) -> Any:
    """What each term is at least, less what rounding may take off it."""
    if case.loss_name == "gaussian_nll_loss":
        v = np.maximum(batch["vars"], options.get("eps", 1e-6)).astype(np.float64)
        least = 0.5 * np.log(v) + options.get("full", False) * 0.5 * math.log(2 * math.pi)
        return v ** options.get("beta", 0.0) * (least - 4 * tolerance * (1 + np.abs(least)))
    if case.loss_name in ("laplace_nll_loss", "student_t_nll_loss"):
        constant = case.reference(0.0, 0.0, 1.0, **options).value
        log_scale = np.log(batch["scale"].astype(np.float64))
        return log_scale + constant - 4 * tolerance * (1 + np.abs(log_scale))
    if case.loss_name == "mixture_nll_loss":
        return np.min(batch["log_scales"], axis=-1) + 0.5 * math.log(2 * math.pi) - tolerance
    if case.loss_name in ("ctc_loss", "negative_binomial_nll_loss"):
        return -math.inf  # of shares that need not add up to 1, of counts that need not be whole
    if case.loss_name == "poisson_nll_loss":
        t = batch["targets"].astype(np.float64)
        sizes = t * np.abs(np.log(np.maximum(t, 1.0))) + t + 1
        return t - t * np.log(np.maximum(t, 1e-300)) - options.get("eps", 1e-8) - 4 * tolerance * sizes
    if case.loss_name == "cosine_similarity_loss":
        return -1 - tolerance
    if case.loss_name == "hinge_embedding_loss":
        return np.minimum(batch["inputs"], 0)  # which are no distances
    return -tolerance if of_cosines(case) else 0.0


@every_group
@given(data=st.data())
def test_a_loss_has_a_least_value(on, cases, data):
    case = data.draw(st.sampled_from(cases))
    options = data.draw(strategies.settings_of(case))
    subject = Subject(on, case, options)
    batch = data.draw(batches(case, (6,), FINITE))
    if case.name == "kl_div_loss":
        batch = {name: normalised(x) for name, x in batch.items()}
    elif case.loss_name == "kl_div_loss":
        with np.errstate(divide="ignore"):
            batch = {"inputs": normalised(batch["inputs"]), "targets": normalised(np.log(batch["targets"]))}
        batch["targets"] = np.exp(batch["targets"])
    terms = subject.result(batch).terms
    slack = 0.0
    if case.name in scales.OF_TERMS:
        with np.errstate(all="ignore"):
            slack = scale_of_terms(case, batch, options, subject.tolerance) * 4 * subject.tolerance
    if case.name == "kl_div_loss":  # a difference of entropies, each rounded
        x, t = (x.astype(np.float64) for x in batch.values())
        slack = 4 * subject.tolerance * np.sum(np.exp(t) * (np.abs(x) + np.abs(t) + 1), axis=-1)
    if case.loss_name == "cosine_similarity_loss":
        assert np.all((terms <= 1 + subject.tolerance) | too_far_apart(case, batch))
    enough = terms >= least_value(case, batch, options, subject.tolerance) - slack
    assert np.all(enough | (np.isnan(terms) & too_far_apart(case, batch)))


def normalised(x: np.ndarray) -> np.ndarray:
    """Log probabilities of these proportions."""
    x = np.maximum(x.astype(np.float64), -1e4)
    x = x - x.max(axis=-1, keepdims=True)
    return (x - np.log(np.exp(x).sum(axis=-1, keepdims=True))).astype(np.float32)


def _equal(draw: Any, case: Any) -> Batch:
    batch = draw(batches(case, (6,), FINITE))
    first, second = list(batch)[:2]
    return {**batch, second: batch[first].copy()}


def _certain_logits(draw: Any, case: Any) -> Batch:
    sizes = draw(strategies.entries(np.asarray([110, 200, 1e4, 1e30, LARGEST, math.inf] * 43, np.float32), 6))
    y = draw(strategies.entries(np.arange(256) % 2, 6)).astype(np.float32)
    return {"inputs": np.where(y == 1, sizes, -sizes), "targets": y}


def _certain(draw: Any, case: Any) -> Batch:
    y = draw(strategies.entries(np.arange(256) % 2, 6)).astype(np.float32)
    return {"inputs": y, "targets": y.copy()}


def _certain_classes(draw: Any, case: Any) -> Batch:
    batch = draw(batches(CASES["cross_entropy"], (6,), FINITE))
    labels = batch["targets"]
    others = np.minimum(batch["logits"], np.float32(1e37))
    top = others.max(axis=-1)
    named = np.arange(4) == labels[:, None]
    logits = np.where(named, np.where(np.abs(top) > 1e6, LARGEST, top + 200)[:, None], others)
    batch["logits"] = logits.astype(np.float32)
    return batch if case.arrays["targets"] == "labels" else {**batch, "targets": named.astype(np.float32)}


def _far_side(draw: Any, case: Any) -> Batch:
    y = draw(strategies.entries(ORDINARY["side"], 6))
    sizes = np.maximum(draw(strategies.entries(EXTREME["positive"], 6)), np.float32(1))
    return {"inputs": y * sizes, "targets": y}


def _ranked(draw: Any, case: Any) -> Batch:
    y = draw(strategies.entries(ORDINARY["side"], 6))
    low = draw(strategies.entries(ORDINARY["real"], 6))
    gap = np.maximum(draw(strategies.entries(EXTREME["positive"], 6)), np.float32(1))
    return {"inputs1": low + y * gap, "inputs2": low, "targets": y}


def _near_and_far(draw: Any, case: Any) -> Batch:
    anchors = draw(strategies.entries(ORDINARY["real"], 24)).reshape(6, 4)
    return {"anchors": anchors, "positives": anchors.copy(), "negatives": anchors + np.float32(100)}


def _sure(draw: Any, case: Any) -> Batch:
    batch = draw(batches(case, (6,), FINITE))
    batch["inputs"][np.arange(6), batch["targets"]] = 0
    return batch


def _apart(draw: Any, case: Any) -> Batch:
    y = draw(strategies.entries(ORDINARY["side"], 6))
    sizes = np.maximum(draw(strategies.entries(EXTREME["positive"], 6)), np.float32(2.5))
    return {"inputs": np.where(y > 0, np.float32(0), sizes), "targets": y}


def _won(draw: Any, case: Any) -> Batch:
    batch = draw(batches(case, (6,), ("ordinary",)))
    batch["scores"][np.arange(6), batch["targets"]] = draw(st.sampled_from([100.0, 1e10, LARGEST, math.inf]))
    return batch


# Batches on which a loss is exactly 0, and whether its slope is too.
OPTIMA: dict[str, tuple[Callable[[Any, Any], Batch], bool]] = {
    **dict.fromkeys(("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "log_cosh_loss"), (_equal, True)),
    "quantile_loss": (_equal, True),
    **dict.fromkeys(("mape_loss", "smape_loss", "msle_loss", "general_robust_loss"), (_equal, True)),
    **dict.fromkeys(
        ("poisson_deviance_loss", "gamma_deviance_loss", "tweedie_deviance_loss"), (_equal, True)
    ),
    **dict.fromkeys(("binary_cross_entropy", "sparsemax_loss"), (_certain_logits, True)),
    "binary_cross_entropy (probabilities)": (_certain, False),
    "cross_entropy": (_certain_classes, True),
    "cross_entropy (probabilities)": (_certain_classes, True),
    "sigmoid_focal_loss": (_certain_logits, True),
    **dict.fromkeys(("softmax_focal_loss", "softmax_focal_loss (probabilities)"), (_certain_classes, True)),
    **dict.fromkeys(("poly_cross_entropy", "generalized_cross_entropy"), (_certain_classes, True)),
    "nll_loss": (_sure, False),
    "kl_div_loss": (_equal, False),
    **dict.fromkeys(("hinge_loss", "squared_hinge_loss", "perceptron_loss"), (_far_side, True)),
    "hinge_embedding_loss": (_apart, False),
    **dict.fromkeys(
        ("multiclass_hinge_loss", "multiclass_perceptron_loss", "multi_margin_loss"), (_won, True)
    ),
    "js_div_loss": (_equal, True),
    "brier_loss": (_equal, True),
    "brier_loss (classes)": (_equal, True),
    "margin_ranking_loss": (_ranked, True),
    "triplet_loss": (_near_and_far, True),
}


@except_on_jax
@pytest.mark.parametrize("name", OPTIMA)
@given(data=st.data())
def test_a_loss_is_zero_at_its_optimum(on, name, data):
    case = CASES[name]
    smoothed = any("label_smoothing" in options for options in case.options)
    options = {} if smoothed else data.draw(strategies.settings_of(case))
    subject = Subject(on, case, options)
    make, flat = OPTIMA[name]
    batch = make(data.draw, case)
    found = subject.result(batch)
    assert not np.any(found.terms)
    if flat:
        assert not np.any(found.slope)
        assert not np.any(found.gradients[subject.floating[0]])


@given(data=st.data(), power=st.integers(-60, 60))
def test_the_cosine_of_parallel_vectors(on, data, power):
    subject = Subject(on, CASES["cosine_similarity_loss"], {"eps": 0.0})
    x = data.draw(strategies.entries(ORDINARY["real"], 24)).reshape(6, 4)
    assume(np.any(x, axis=-1).all())
    batch = {"x1": x, "x2": x * np.float32(2.0**power)}
    subject.assert_close(subject.result(batch).terms, np.ones(6), 1.0)
    steep = np.abs(subject.result(batch).slope) * np.linalg.norm(x, axis=-1, keepdims=True)
    assert np.all(steep <= 4 * subject.tolerance)


@given(data=st.data())
def test_a_gaussian_at_its_mean_is_flat(on, data):
    case = CASES["gaussian_nll_loss"]
    subject = Subject(on, case, data.draw(strategies.settings_of(case)))
    assert not np.any(subject.result(_equal(data.draw, case)).slope)


def exact_terms(case, batch, options) -> list[Term | None]:
    """Each term by its definition, None where that leaves even double precision."""
    found: list[Term | None] = []
    for row in terms_one_by_one(case, batch):
        try:
            found.append(case.reference(*row, **options))
        except (OverflowError, ZeroDivisionError, ValueError):
            found.append(None)
    return found


def without_subnormals(batch: Batch) -> Batch:
    """With 0 for them, as JAX and MLX take them; elsewhere their products have no more than a few bits."""
    return {
        k: x if x.dtype != np.float32 else np.where(np.abs(x) < TINY, np.float32(0), x)
        for k, x in batch.items()
    }


def representable(x: Any) -> bool:
    return bool(np.all(np.abs(x) < 0.99 * LARGEST))  # not NaN either


def scale_of_terms(case, batch, options, tolerance) -> Any:
    """What the parts of a term are as large as, where they cancel: an error is in proportion to it."""
    arrays = [x.astype(np.float64) for x in batch.values()]
    first, second = arrays[:2]
    if case.loss_name == "gaussian_nll_loss":
        return np.abs(np.log(np.maximum(arrays[2], options.get("eps", 1e-6)))) + 1
    if case.loss_name in ("laplace_nll_loss", "student_t_nll_loss"):
        return np.abs(np.log(arrays[2])) + 2
    if case.loss_name in ("hinge_loss", "margin_ranking_loss"):
        return np.sum(np.abs(arrays), axis=0)
    if case.loss_name == "triplet_loss":
        return np.sum([np.abs(first - x) for x in arrays[1:]], axis=(0, 2)) + 1
    if of_cosines(case):
        return 1.0
    if case.name in scales.OF_TERMS:
        others = {"pos_weight": arrays[2]} if "pos_weight" in batch else {}
        return scales.OF_TERMS[case.name](first, second, **others, **options)
    largest = np.sum(np.abs(first), axis=-1, where=np.isfinite(first)) if case.by_rows else 0.0
    lost = largest * TINY / tolerance  # a factor that JAX and MLX have made 0
    if "cosines" in case.arrays:  # of which a unit is multiplied
        return options.get("scale", 64.0)
    if case.loss_name in OF_LOGITS:
        return (largest + 1) * (1 if second.ndim == 1 else second.sum(axis=-1) + 1) + lost
    if case.loss_name == "kl_div_loss":
        return np.nansum(np.exp(second) * (np.abs(first) + np.abs(second)), axis=-1) + lost
    return 0.0


@every_group
@given(data=st.data())
def test_what_can_be_said_is_right(on, cases, data):
    """The value where the true one is a float32; and gradients are finite where the true ones are.

    Inputs whose distance is beyond float32 count as infinitely far apart.
    """
    case = data.draw(st.sampled_from(cases))
    options = data.draw(strategies.settings_of(case))
    subject = Subject(on, case, options)
    batch = without_subnormals(data.draw(batches(case, (6,), FINITE)))
    found = subject.result(batch, weights=np.ones(6, np.float32))  # one compiled form with the next test
    apart = too_far_apart(case, batch)
    if on.name == "mlx" and case.name == "poisson_nll_loss":
        apart |= batch["inputs"] >= 88.0  # where MLX's exp is infinite
    with np.errstate(all="ignore"):
        scales = np.broadcast_to(scale_of_terms(case, batch, options, subject.tolerance), (6,))
    for i, exact in enumerate(exact_terms(case, batch, options)):
        if exact is None or not representable(exact.value) or apart[i]:
            continue
        subject.assert_close(found.terms[i], exact.value, abs(exact.value) + scales[i], times=2)
        for name, partial in zip(case.arrays, exact.partials, strict=False):
            if lost_by_autodiff(on.name, name, batch, options)[i]:
                continue
            if name in found.gradients and partial is not None and representable(partial):
                gradient = found.gradients[name][i]
                assert np.isfinite(gradient).all(), f"by {name}: {gradient} is not {partial}"
        if representable(exact.partials[0]):
            assert np.isfinite(found.slope[i]).all(), f"{found.slope[i]} is not {exact.partials[0]}"


@every_group
@given(data=st.data(), row=st.integers(0, 5), column=st.integers(0, 3))
def test_a_nan_comes_out(on, cases, data, row, column):
    case = data.draw(st.sampled_from(cases))
    subject = Subject(on, case, data.draw(strategies.settings_of(case)))
    batch = data.draw(batches(case, (6,), FINITE))
    name = data.draw(st.sampled_from([name for name in subject.floating if name in case.separate]))
    if "kept" in batch:
        batch["kept"][row, column] = True  # else it does not count
    clean = subject.result(batch).terms
    if case.loss_name == "nll_loss":
        column = batch["targets"][row]  # no other entry is looked at
    spoilt = batch[name].copy()
    spoilt[(row, column) if spoilt.ndim == 2 else row] = math.nan
    found = subject.result({**batch, name: spoilt})
    assert math.isnan(found.terms[row])
    assert math.isnan(found.sum)
    assert math.isnan(found.mean)
    others = np.arange(6) != row
    scale = np.abs(clean) + size_of_parts(case, batch)
    subject.assert_close(found.terms[others], clean[others], scale[others])


def size_of_parts(case: Case, batch: Batch) -> Any:
    """What cancels in a term: a NaN elsewhere sends all rows to another form, which rounds otherwise."""
    if of_cosines(case):
        return 1.0
    if case.loss_name == "triplet_loss":
        anchors, *others = (x.astype(np.float64) for x in batch.values())
        return sum(np.sum(np.abs(anchors - x), axis=-1) for x in others)
    return 0.0


OF_LOGITS = ("cross_entropy", "softmax_focal_loss", "poly_cross_entropy", "generalized_cross_entropy")
NEAR_KINKS = {  # whose side rounding decides
    *("margin_ranking_loss", "triplet_loss", "cosine_embedding_loss", "contrastive_loss", "crps_loss"),
    *("mixture_nll_loss", "smape_loss", "lovasz_hinge_loss", "lovasz_softmax_loss"),
    *("multiclass_hinge_loss", "multi_margin_loss", "multilabel_margin_loss"),
}


def scale_of_slope(case, batch, options, tolerance) -> Any:
    """What the parts of a row's slope are as large as, where they cancel."""
    first, second = (x.astype(np.float64) for x in list(batch.values())[:2])
    with np.errstate(all="ignore"):
        if case.name in scales.OF_SLOPES:
            return scales.OF_SLOPES[case.name](first, second, *scales.kept_of(batch), **options)
        if of_cosines(case):
            n1, n2 = (np.linalg.norm(x, axis=-1, keepdims=True) for x in (first, second))
            return np.nan_to_num(np.minimum(1 / n1, n2 / options.get("eps", 1e-8)))
        if case.name == "binary_cross_entropy (probabilities)":
            parts = [second / first, (1 - second) / (1 - first)]
            parts += [TINY / first / tolerance]  # a weight times a target, where that is made 0
            return np.sum(np.nan_to_num(parts, posinf=0.0), axis=0)  # 0 where a clamp acts
    if case.loss_name == "gaussian_nll_loss":
        # Half an error, where that is made 0: two such halves are what autodiff adds up.
        return TINY / np.maximum(batch["vars"], options.get("eps", 1e-6)) / tolerance
    if "box" in case.arrays.values():
        return 4.0 / np.min([x[:, 2:] - x[:, :2] for x in (first, second)], axis=(0, 2))[:, None]
    if "cosines" in case.arrays:
        return options.get("scale", 64.0) ** 2
    if case.loss_name in OF_LOGITS and "distribution" in case.arrays.values():
        return second.sum(axis=-1, keepdims=True) + 1
    return 1.0 if case.loss_name in ("triplet_loss", "binary_cross_entropy", *OF_LOGITS) else 0.0


@every_group
@given(data=st.data())
def test_the_slope_is_the_gradient(on, cases, data):
    """By the framework's autodiff, or where it has none by the definition."""
    case = data.draw(st.sampled_from(cases))
    options = data.draw(strategies.settings_of(case))
    subject = Subject(on, case, options)
    has_autodiff = on.bench.differentiates
    tiers = FINITE if has_autodiff or case.loss_name not in NEAR_KINKS else ("ordinary",)
    batch = without_subnormals(data.draw(batches(case, (6,), tiers)))
    extras = {"weights": data.draw(strategies.weights((6,)))}
    result = subject.result(batch, **extras)
    slope, gradient = result.slope, result.gradients[subject.floating[0]]
    apart = too_far_apart(case, batch)
    scales = np.broadcast_to(scale_of_slope(case, batch, options, subject.tolerance), slope.shape)
    for i, exact in enumerate(exact_terms(case, batch, options)):
        if exact is None or apart[i] or not representable([exact.value, np.max(np.abs(exact.partials[0]))]):
            continue
        partial = np.asarray(exact.partials[0]) * float(extras["weights"][i])
        wanted = gradient[i] if has_autodiff else partial
        subject.assert_close(slope[i], wanted, np.max(np.abs(partial)) + scales[i], times=2)
