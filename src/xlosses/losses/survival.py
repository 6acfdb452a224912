"""Times until an event that not everyone has had yet."""

from __future__ import annotations

from typing import Any

from xlosses._core.formula import formula
from xlosses._core.numerics import nan_if_nan, product
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction


def cox_ph_loss(
    log_hazards: ArrayT,
    times: Array,
    events: Array,
    *,
    axis: int = -1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log partial likelihood of Cox's proportional hazards: who of those at risk has the event.

    .. math::
        \ell = -\sum_i \delta_i \log \frac{e^{\eta_i}}{\sum_{j : t_j \ge t_i} e^{\eta_j}}

    Parameters
    ----------
    log_hazards : array
        Logarithms of the hazards but for a constant, :math:`\eta`, real, with the members of a cohort along
        `axis`. A batch may be one cohort, of one axis.
    times : array
        When each had the event or was last seen, :math:`t`, real, in the shape of `log_hazards`; any unit.
    events : array
        1 for who had the event, 0 for who was last seen without, :math:`\delta`, in the same shape.
    axis : int
        The axis of the members.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per cohort, become the result. "weighted_mean" is the mean per event.
    weights, where, dtype : optional
        Weight of each cohort, cohorts to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `log_hazards` without `axis`, in nats.

    Raises
    ------
    ValueError
        Unequal shapes, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`\sum_i \delta_i p_{ij} - \delta_j`, where :math:`p_i` is the softmax over those at
    risk at :math:`t_i`. Of `times` only their order matters; events at the same time are each compared with
    all that are at risk then, which is Breslow's way with ties. A cohort without events costs 0.

    To fill up cohorts of unequal size give members without event the time -inf: they are at risk for nobody.
    All pairs of members are compared, large batches a block at a time.

    References
    ----------
    D. R. Cox, "Regression models and life-tables", *Journal of the Royal Statistical Society B* 34(2), 1972,
    pp. 187-220. N. Breslow, "Covariance analysis of censored survival data", *Biometrics* 30(1), 1974,
    pp. 89-99.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, t = np.log(np.asarray([1.0, 2.0, 1.0])), np.asarray([3.0, 1.0, 2.0])
    >>> float(np.exp(xlosses.cox_ph_loss(x, t, np.asarray([0, 1, 1]))).round(6))  # 2/4 and 1/2
    4.0
    """
    arrays = dict(log_hazards=log_hazards, times=times, events=events)
    return evaluate(cox_ph, arrays, {}, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows", "rows", width=lambda x, *_: x[-1] ** 2)
def cox_ph(xp: Any, x: Array, times: Array, events: Array) -> Any:
    largest, rest = xp.log_sum_exp(at_risk(xp, x, times))
    return xp.sum(product(xp, events * nan_if_nan(xp, times), (largest - x) + rest), axis=-1)


@cox_ph.slope
def cox_ph_slope(xp: Any, x: Array, times: Array, events: Array) -> Any:
    events = events * nan_if_nan(xp, times)
    return xp.sum(events[..., None] * xp.softmax(at_risk(xp, x, times)), axis=-2) - events


@cox_ph.weight
def number_of_events(xp: Any, x: Array, times: Array, events: Array) -> Any:
    return xp.sum(events, axis=-1)


def at_risk(xp: Any, x: Array, times: Array) -> Any:
    """A row for each member: the log hazards of those still at risk at its time, -inf for the others."""
    return xp.where(times[..., None, :] < times[..., None], float("-inf"), x[..., None, :])
