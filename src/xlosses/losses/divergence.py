"""Distribution against distribution."""

from __future__ import annotations

from typing import Any

from xlosses._core.formula import formula
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction


def kl_div_loss(
    inputs: ArrayT,
    targets: Array | float,
    axis: int = -1,
    reduction: Reduction = "none",
    *,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Kullback-Leibler divergence of the targets from the inputs, both log probabilities.

    .. math::
        \ell = \sum_k e^{t_k} (t_k - x_k)

    Parameters
    ----------
    inputs : array
        Log probabilities that were predicted, :math:`x`, with the outcomes along `axis`.
    targets : array or number
        Log probabilities that were to be predicted, :math:`t`, in the shape of `inputs`.
    axis : int
        The axis of the outcomes.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per row, become the result.
    weights, where, dtype : optional
        Weight of each row, rows to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs` without `axis`, in nats.

    Raises
    ------
    ValueError
        Unequal shapes, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    An outcome whose target probability is 0 adds nothing to value and gradient, whatever its
    prediction (NaN excepted); one that was predicted impossible and is not gives inf. "mean"
    divides by the number of rows.

    References
    ----------
    S. Kullback, R. A. Leibler, "On information and sufficiency", *Annals of Mathematical
    Statistics* 22(1), 1951, pp. 79-86.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, t = np.log(np.asarray([[0.5, 0.5]])), np.asarray([[0.0, -np.inf]])
    >>> xlosses.kl_div_loss(x, t).round(6).tolist()
    [0.693147]
    """
    arrays = dict(inputs=inputs, targets=targets)
    return evaluate(kl_divergence, arrays, {}, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows")
def kl_divergence(xp: Any, x: Array, t: Array) -> Any:
    p = xp.exp(t)
    # A class of probability 0 has term 0 whatever x predicts for it, unless NaN. t and x are made finite
    # before they are subtracted, because -inf - -inf is NaN.
    nothing = xp.logical_and(p == 0, xp.logical_not(xp.isnan(x)))
    excess = xp.where(nothing, 0.0, t) - xp.where(nothing, 0.0, x)
    return xp.sum(xp.where(nothing, 0.0, p * excess), axis=-1)


@kl_divergence.ordinary
def kl_divergence_ordinary(xp: Any, x: Array, t: Array) -> Any:
    return xp.dot(xp.exp(t), t - x)


@kl_divergence.slope
def kl_divergence_slope(xp: Any, x: Array, t: Array) -> Any:
    return -xp.exp(t)
