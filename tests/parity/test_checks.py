"""The checks of a loss of a user's own: they pass, and each fails for a loss that is broken in its way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matrix import every_case

import xlosses
from xlosses._backends import load_workbench, namespace_of
from xlosses.testing import CASES, Case, Term, check_loss, parametrize_with_checks
from xlosses.testing.checks import CHECKS, checks_of


@xlosses.formula
def expectile(xp, x, y, q):
    error = y - x
    return xp.where(error > 0, q, 1.0 - q) * error**2 + xp.absolute(error)


@expectile.slope
def expectile_slope(xp, x, y, q):
    error = y - x
    return -2.0 * xp.where(error > 0, q, 1.0 - q) * error - xp.sign(error)


def expectile_loss(predictions, targets, q=0.5, reduction="mean", **options):
    arrays = {"predictions": predictions, "targets": targets}
    return xlosses.evaluate(expectile, arrays, {"q": q}, reduction, **options)


def reference(x, y, q=0.5):
    side = 1.0 if x > y else -1.0
    factor = 1.0 - q if x > y else q
    slope = 2.0 * factor * (x - y) + side
    return Term(factor * (x - y) ** 2 + abs(x - y), (slope, -slope))


@xlosses.formula("rows", "labels")
def spherical(xp, p, label):
    return 1.0 - xp.pick(p, label) / xp.sqrt(xp.dot(p, p))


def spherical_loss(probabilities, targets, reduction="mean", *, axis=-1, **options):
    arrays = {"probabilities": probabilities, "targets": targets}
    return xlosses.evaluate(spherical, arrays, {}, reduction, axis=axis, **options)


def spherical_reference(p, label):
    size = sum(x * x for x in p) ** 0.5
    along = p[label] / size
    slope = [along * x / size**2 - (k == label) / size for k, x in enumerate(p)]
    return Term(1.0 - along, (slope,))


KINDS = {"predictions": "prediction", "targets": "target"}
EXPECTILE = Case("expectile_loss", expectile_loss, reference, KINDS, ({}, {"q": 0.75}))
SPHERICAL = Case(
    "spherical_loss",
    spherical_loss,
    spherical_reference,
    {"probabilities": "distribution", "targets": "labels"},
)


@parametrize_with_checks(
    [EXPECTILE, SPHERICAL], backends=["numpy"], skip={"check_unwritten": "has a test of its own"}
)
def test_own_losses(case, check):
    check(case)


@pytest.mark.parametrize("case", [EXPECTILE, SPHERICAL], ids=lambda case: case.name)
def test_own_losses_on_a_framework(name, case):
    check_loss(case.loss, case, backends=[name])


@pytest.mark.usually_on("numpy")
@every_case
def test_losses_of_the_library(name, case):
    check_loss(case.loss, case, backends=[name])


def test_a_loss_of_the_library_needs_no_case(name):
    check_loss(xlosses.mse_loss, backends=[name])


# Losses that are broken, each in the way that one check is for.


def off(x, y, **options):
    return 1.001 * expectile_loss(x, y, **options)


def means_of_sums(x, y, reduction="mean", **options):
    return expectile_loss(x, y, reduction="mean" if reduction == "sum" else reduction, **options)


def without_weights(x, y, weights=None, **options):
    return expectile_loss(x, y, **options)


def mask_as_weight(x, y, where=None, weights=None, **options):
    if where is not None:
        xp = namespace_of(x)
        weights = xp.astype(where, x.dtype) * (1.0 if weights is None else weights)
    return expectile_loss(x, y, weights=weights, **options)


def mean_of_nothing_is_one(x, y, where=None, **options):
    return expectile_loss(x, y, where=where, **options) + (0.0 if where is None else 1.0)


def refuses_nothing(x, y, **options):
    if x.shape[0] == 0:
        raise ValueError("no entries")
    return expectile_loss(x, y, **options)


def loses_nan(x, y, **options):
    xp = namespace_of(x)
    return expectile_loss(xp.where(x != x, 0.0, x), xp.where(y != y, 0.0, y), **options)


def always_float32(x, y, dtype="float32", **options):
    return expectile_loss(x, y, dtype="float32", **options)


def broadcasts(x, y, **options):
    return expectile_loss(x, y if y.shape == x.shape else y[:1] + 0.0 * x, **options)


def converts(x, y, **options):
    xp = namespace_of(x)
    return expectile_loss(x, y if xp.owns(y) else xp.asarray(y.tolist(), dtype=x.dtype), **options)


def wrapped_labels(p, label, **options):
    return spherical_loss(p, label % 4, **options)


@xlosses.formula
def steep(xp, x, y, q):
    return expectile.terms(xp, x, y, q)


@steep.slope
def steep_slope(xp, x, y, q):
    return 1.001 * expectile_slope(xp, x, y, q)


def wrong_slope(x, y, q=0.5, reduction="mean", **options):
    return xlosses.evaluate(steep, {"predictions": x, "targets": y}, {"q": q}, reduction, **options)


@xlosses.formula
def one_sided(xp, x, y, q):
    return expectile.terms(xp, x, y, q)


@one_sided.slope
def one_sided_slope(xp, x, y, q):
    error = y - x
    return -2.0 * xp.where(error > 0, q, 1.0 - q) * error - xp.where(error >= 0, 1.0, -1.0)


def other_slope_at_kinks(x, y, q=0.5, reduction="mean", **options):
    return xlosses.evaluate(one_sided, {"predictions": x, "targets": y}, {"q": q}, reduction, **options)


def detached(x, y, **options):
    return expectile_loss(namespace_of(x).stop_gradient(x), y, **options) + 0.0 * x.sum()


def looks_at_values(x, y, **options):
    return expectile_loss(x, y, **options) if float(x.sum()) < 1e9 else None


def writes(x, y, **options):
    x[0] = x[0] + 1.0
    return expectile_loss(x, y, **options)


BREAKS = {
    "check_values": off,
    "check_reductions": means_of_sums,
    "check_weights": without_weights,
    "check_masked_nan": mask_as_weight,
    "check_everything_masked": mean_of_nothing_is_one,
    "check_empty": refuses_nothing,
    "check_nan": loses_nan,
    "check_dtypes": always_float32,
    "check_half_types": always_float32,
    "check_shapes": broadcasts,
    "check_mixed_frameworks": converts,
    "check_labels": wrapped_labels,
    "check_slopes": wrong_slope,
    "check_gradients": detached,
    "check_kinks": other_slope_at_kinks,
    "check_transformations": looks_at_values,
    "check_unwritten": writes,
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_check_fails_for_a_loss_that_is_broken(name, broken):
    case = SPHERICAL if broken == "check_labels" else EXPECTILE
    checks = {check.name: check for check in checks_of(case, [name])}
    if broken not in checks:  # such as those of autodiff on NumPy, or of two frameworks where there is one
        return
    if broken == "check_unwritten" and name == "jax":  # whose arrays cannot be written to
        return
    with pytest.raises(Exception) as caught:  # noqa: PT011
        checks[broken](replace(case, loss=BREAKS[broken]))
    if broken not in ("check_empty", "check_transformations"):  # there the loss itself raises
        assert isinstance(caught.value, AssertionError)


def test_every_check_has_a_break():
    assert {*BREAKS} == {*CHECKS}
    assert all(check.run.__doc__ for check in CHECKS.values())


def test_check_loss_says_what_fails(name):
    with pytest.raises(AssertionError) as caught:
        check_loss(off, EXPECTILE, backends=[name])
    text = str(caught.value)
    framework = load_workbench(name).xp.framework
    assert text.startswith("expectile_loss fails ")
    assert f"check_values on {framework}: the loss of {{}} is off by 0.001, more than 2e-05" in text
    assert "check_shapes" not in text
    assert isinstance(caught.value.__cause__, AssertionError)
    with pytest.raises(AssertionError, match="fails 1 of"):
        check_loss(without_weights, EXPECTILE, backends=["numpy"], skip=("check_slopes", "check_dtypes"))


def test_wrong_usage():
    with pytest.raises(ValueError, match="there is no check 'check_tea'; there are check_values, "):
        check_loss(xlosses.mse_loss, skip=["check_tea"])
    with pytest.raises(ValueError, match="there is no check 'check_tea'"):
        parametrize_with_checks([EXPECTILE], skip={"check_tea": "none"})
    with pytest.raises(TypeError, match="no case is known of expectile_loss: give a Case"):
        parametrize_with_checks([expectile_loss])


def test_what_is_parametrized():
    mark = parametrize_with_checks([xlosses.cross_entropy, EXPECTILE], backends=["numpy"]).mark
    names = [row.id for row in mark.args[1]]
    assert "expectile_loss-numpy-check_weights" in names
    cases = {row.values[0].name for row in mark.args[1]}
    assert cases == {"expectile_loss", *(c.name for c in CASES.values() if c.loss_name == "cross_entropy")}
    assert "expectile_loss-numpy-check_labels" not in names


def test_kinks_of_a_case(name):
    """Where the loss has one that no coincidence finds."""

    @xlosses.formula
    def hinged(xp, x, y):
        return xp.relu(1.0 - x) + 0.0 * y

    @hinged.slope
    def hinged_slope(xp, x, y):
        return xp.where(x <= 1.0, -1.0, 0.0)

    def loss(predictions, targets, reduction="mean", **options):
        return xlosses.evaluate(hinged, {"x": predictions, "y": targets}, {}, reduction, **options)

    case = Case("hinged", loss, lambda x, y: Term(max(1 - x, 0.0), (-1.0 * (x < 1),)), KINDS)
    if load_workbench(name).differentiates:
        CHECKS["check_kinks"].run(case, name)
        at_one = replace(case, kinks=[{"predictions": [1.0, 2.0], "targets": [0.0, 0.0]}])
        with pytest.raises(AssertionError, match="at a kink"):
            CHECKS["check_kinks"].run(at_one, name)


def test_a_case_of_arrays_without_a_slope(name):
    """Which NumPy has no gradient of."""

    @xlosses.formula
    def squared(xp, x, y):
        return (x - y) * (x - y)

    def loss(predictions, targets, reduction="mean", **options):
        arrays = {"predictions": predictions, "targets": targets}
        return xlosses.evaluate(squared, arrays, {}, reduction, **options)

    def exact(x, y):
        return Term((x - y) ** 2, (2.0 * (x - y), 2.0 * (y - x)))

    check_loss(loss, Case("squared", loss, exact, KINDS), backends=[name])
