"""Forecasts by an ensemble, of numbers or of vectors, whose members are as likely as each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._core.checks import axes_of, ndim, reduction_name, shape_is
from xlosses._core.formula import formula
from xlosses._core.numerics import nan_if_extreme, norm, norm_and_slope, only_nan
from xlosses._core.plan import one_framework
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction


def crps_loss(
    ensemble: ArrayT,
    targets: Array | float,
    *,
    axis: int = -1,
    fair: bool = False,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Continuous ranked probability score of an ensemble: its distance to the target, less half its spread.

    .. math::
        \ell = \frac1m \sum_i |x_i - y| - \frac1{2 m^2} \sum_{i, j} |x_i - x_j|

    Parameters
    ----------
    ensemble : array
        The :math:`m` members, :math:`x`, real, along `axis`.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape of `ensemble` without `axis` and in its unit.
    axis : int
        The axis of the members.
    fair : bool
        Whether :math:`m (m - 1)` stands in place of :math:`m^2`: the expected score is then that of the
        distribution which the members are drawn from, however few they are.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per target, become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `targets`, in the unit of the inputs.

    Raises
    ------
    ValueError
        Shapes that do not fit, an `axis` out of range or of length 0, `fair` with one member, or an unknown
        `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `ensemble` and `targets`. With A members above :math:`x_i` and B below it the gradient
    is :math:`(\operatorname{sign}(x_i - y)\, m + A - B) / m^2`, and 0 for a member that is equal to the
    target. With one member the loss is `l1_loss`. All pairs of members are compared, large
    batches a block at a time.

    References
    ----------
    T. Gneiting, A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation", *Journal of the
    American Statistical Association* 102(477), 2007, eq. 21, p. 367. Fair: C. A. T. Ferro, "Fair scores for
    ensemble forecasts", *Quarterly Journal of the Royal Meteorological Society* 140, 2014, pp. 1917-1923.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([[0.0, 1.0, 3.0, 4.0]]), np.asarray([2.0])
    >>> float(xlosses.crps_loss(x, y)), float(xlosses.crps_loss(x, y, fair=True).round(6))
    (0.625, 0.333333)
    """
    if fair and ndim(ensemble) and ensemble.shape[axes_of(ndim(ensemble), axis)[0]] == 1:
        raise ValueError("fair=True needs an ensemble of two members or more, got one")
    arrays, parameters = dict(ensemble=ensemble, targets=targets), dict(fair=bool(fair))
    return evaluate(crps, arrays, parameters, reduction, weights, where, dtype, axis=axis)


@formula("rows", "scalars", static=("fair",), width=lambda x, y: x[-1] ** 2)
def crps(xp: Any, x: Array, y: Array, fair: bool) -> Any:
    # |a| + |b| - |a - b| is twice the smaller of |a| and |b| on the same side of 0, else 0: nothing cancels.
    error, m = x - y[..., None], x.shape[-1]
    above, below = xp.relu(error), xp.relu(-error)
    common = xp.minimum(above[..., None], above[..., None, :])
    common = common + xp.minimum(below[..., None], below[..., None, :])
    if fair:
        place = xp.indices(m, x)
        common = xp.where(place[:, None] == place, only_nan(xp, error)[..., None], common)
    return xp.sum(xp.sum(common / (m - int(fair)), axis=-1) / m, axis=-1)


@crps.slope(by=("x", "y"))
def crps_slope(xp: Any, x: Array, y: Array, fair: bool) -> Iterator[Any]:
    error, m = x - y[..., None], x.shape[-1]
    a, b = error[..., None], error[..., None, :]
    # Compared, not subtracted, because small differences vanish on some frameworks.
    above = xp.sum(xp.astype(a < b, x.dtype) - xp.astype(a > b, x.dtype), axis=-1)
    side = xp.sign(error)
    by_x = (side + side * side * above / (m - int(fair))) / m
    yield by_x
    yield -xp.sum(by_x, axis=-1)


def energy_loss(
    ensemble: ArrayT,
    targets: Array,
    *,
    fair: bool = False,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Energy score of an ensemble of vectors: its distance to the target, less half its spread.

    .. math::
        \ell = \frac1m \sum_i \|x_i - y\| - \frac1{2 m^2} \sum_{i, j} \|x_i - x_j\|

    Parameters
    ----------
    ensemble : array
        The :math:`m` members, :math:`x`, vectors of D numbers, of shape (..., m, D).
    targets : array
        What was to be predicted, :math:`y`, of shape (..., D), in the unit of `ensemble`.
    fair : bool
        Whether :math:`m (m - 1)` stands in place of :math:`m^2`: the expected score is then that of the
        distribution which the members are drawn from, however few they are.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per target, become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `targets` without its last axis, in the unit of the inputs.

    Raises
    ------
    ValueError
        Shapes that do not fit, a number in place of `targets`, vectors or ensembles without entries, `fair`
        with one member, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `ensemble` and `targets`. The gradient of a distance of 0 is 0: members that coincide do
    not push each other apart, and a target does not pull a member that lies on it. Members and target have to
    be finite.

    For vectors of one number it is `crps_loss`, whose gradient by a member that is equal to the target is 0
    altogether. All pairs of members are compared, large batches a block at a time.

    References
    ----------
    T. Gneiting, A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation", *Journal of the
    American Statistical Association* 102(477), 2007, eq. 22, p. 367. Fair: C. A. T. Ferro, "Fair scores for
    ensemble forecasts", *Quarterly Journal of the Royal Meteorological Society* 140, 2014, pp. 1917-1923.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([[[0.0, 0.0], [6.0, 8.0]]]), np.asarray([[3.0, 4.0]])
    >>> float(xlosses.energy_loss(x, y)), float(xlosses.energy_loss(x, y, fair=True))
    (2.5, 0.0)
    """
    reduction_name(reduction)
    arrays = dict(targets=targets, ensemble=ensemble)
    one_framework(dict(ensemble=ensemble, targets=targets))
    if ndim(ensemble) < 2:
        raise ValueError(f"ensemble must have a shape (..., m, D), got {tuple(ensemble.shape)}")
    *batch, members, d = tuple(ensemble.shape)
    shape_is((*batch, d), targets=targets)
    if members < 1 + bool(fair):
        wanted = "two members or more" if fair else "a member"
        raise ValueError(f"fair={bool(fair)} needs an ensemble of {wanted}, got {('none', 'one')[members]}")
    return evaluate(energy, arrays, dict(fair=bool(fair)), reduction, weights, where, dtype)


@formula("rows", "arrays", static=("fair",), width=lambda y, x: 2 * x[-2] ** 2 * x[-1])
def energy(xp: Any, y: Array, x: Array, fair: bool) -> Any:
    m = x.shape[-2]
    away = norm(xp, x - y[..., None, :], 2, 0.0)
    apart = norm(xp, x[..., :, None, :] - x[..., None, :, :], 2, 0.0)
    spread = xp.sum(xp.sum(apart / (2 * m * (m - int(fair))), axis=-1), axis=-1)
    return xp.sum(away / m, axis=-1) - spread


@energy.slope(by=("y", "x"))
def energy_slope(xp: Any, y: Array, x: Array, fair: bool) -> Iterator[Any]:
    m = x.shape[-2]
    _, toward = norm_and_slope(xp, x - y[..., None, :], 2, 0.0)
    yield -xp.sum(toward / m, axis=-2)
    _, outward = norm_and_slope(xp, x[..., :, None, :] - x[..., None, :, :], 2, 0.0)
    yield (toward - xp.sum(outward / (m - int(fair)), axis=-2)) / m


@energy.ordinary
def energy_ordinary(xp: Any, y: Array, x: Array, fair: bool) -> Any:
    m, error = x.shape[-2], x - y[..., None, :]
    away = xp.sqrt(nan_if_extreme(xp, xp.dot(error, error)))
    _, apart, itself = apart_from_others(xp, x)
    apart = xp.where(itself, 0.0, apart / (2 * m * (m - int(fair))))
    return xp.sum(away / m, axis=-1) - xp.sum(xp.sum(apart, axis=-1), axis=-1)


@energy_ordinary.slope(by=("y", "x"))
def energy_ordinary_slope(xp: Any, y: Array, x: Array, fair: bool) -> Iterator[Any]:
    m, error = x.shape[-2], x - y[..., None, :]
    toward = error / xp.sqrt(nan_if_extreme(xp, xp.dot(error, error)))[..., None]
    yield -xp.sum(toward / m, axis=-2)
    between, apart, _ = apart_from_others(xp, x)
    yield (toward - xp.sum(between / ((m - int(fair)) * apart)[..., None], axis=-2)) / m


def apart_from_others(xp: Any, x: Array) -> tuple[Any, Any, Any]:
    """The differences and distances of all pairs of members, and which of them are one with itself, at 1."""
    between, place = x[..., :, None, :] - x[..., None, :, :], xp.indices(x.shape[-2], x)
    itself = place[:, None] == place
    square = nan_if_extreme(xp, xp.where(itself, 1.0, xp.dot(between, between)))
    return between, xp.sqrt(square), itself
