"""Distribution against distribution."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import proportion
from xlosses._core.formula import formula
from xlosses._core.numerics import product
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def kl_div_loss(
    inputs: ArrayT,
    targets: Array | float,
    axis: int = -1,
    reduction: Reduction = "none",
    *,
    log_target: bool = True,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Kullback-Leibler divergence of the targets from the inputs, both log probabilities.

    Or, with ``log_target=False``, with targets that are the probabilities themselves:

    .. math::
        \ell = \sum_k e^{t_k} (t_k - x_k)
        \qquad
        \ell = \sum_k t_k (\log t_k - x_k)

    Parameters
    ----------
    inputs : array
        Log probabilities that were predicted, :math:`x`, with the outcomes along `axis`.
    targets : array or number
        Log probabilities, or probabilities, that were to be predicted, :math:`t`, in the shape of `inputs`.
    axis : int
        The axis of the outcomes.
    log_target : bool
        Whether `targets` are log probabilities.
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
    divides by the number of rows. Probabilities need not sum to 1; `generalized_kl_div_loss` is at least 0
    then, too.

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
    form = kl_divergence if log_target else kl_divergence_of_probabilities
    return evaluate(form, arrays, {}, reduction, weights, where, dtype, axis=axis)


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


@formula("rows", "rows")
def kl_divergence_of_probabilities(xp: Any, x: Array, p: Array) -> Any:
    return xp.sum(surplus(xp, x, p), axis=-1)


@kl_divergence_of_probabilities.ordinary
def kl_divergence_of_probabilities_ordinary(xp: Any, x: Array, p: Array) -> Any:
    return xp.dot(p, log_if_any(xp, p) - x)


@kl_divergence_of_probabilities.slope
def kl_divergence_of_probabilities_slope(xp: Any, x: Array, p: Array) -> Any:
    return -p


def surplus(xp: Any, x: Array, p: Array) -> Any:
    """p (log p - x), and 0 with gradient 0 where p is 0 and x is not NaN."""
    nothing = xp.logical_and(p == 0, xp.logical_not(xp.isnan(x)))
    return xp.where(nothing, 0.0, p * (log_if_any(xp, p) - xp.where(nothing, 0.0, x)))


def log_if_any(xp: Any, p: Array) -> Any:
    """log p, and 0 with gradient 0 where p is 0."""
    return xp.log(xp.where(p == 0, 1.0, p))


def generalized_kl_div_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    axis: int = -1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Kullback-Leibler divergence of amounts that need not sum to 1.

    .. math::
        \ell = \sum_k \left( t_k \log t_k - t_k x_k - t_k + e^{x_k} \right)

    Parameters
    ----------
    inputs : array
        Logarithms of the amounts that were predicted, :math:`x`, with the outcomes along `axis`.
    targets : array or number
        Amounts that were to be predicted, :math:`t \ge 0`, in the shape of `inputs`.
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
    The gradient is :math:`e^{x_k} - t_k`, so that the loss is 0 at :math:`x = \log t` and above it elsewhere.
    Of distributions it is `kl_div_loss` with ``log_target=False``. An amount of 0 costs what was predicted.

    References
    ----------
    I. Csiszár, "Why least squares and maximum entropy? An axiomatic approach to inference for linear inverse
    problems", *Annals of Statistics* 19(4), 1991, pp. 2032-2066.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, t = np.log(np.asarray([[2.0, 0.5]])), np.asarray([[2.0, 0.0]])
    >>> xlosses.generalized_kl_div_loss(x, t, reduction="none").tolist()
    [0.5]
    """
    arrays = dict(inputs=inputs, targets=targets)
    return evaluate(generalized_kl, arrays, {}, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows")
def generalized_kl(xp: Any, x: Array, p: Array) -> Any:
    return xp.sum(surplus(xp, x, p) + (xp.exp(x) - p), axis=-1)


@generalized_kl.ordinary
def generalized_kl_ordinary(xp: Any, x: Array, p: Array) -> Any:
    return xp.sum(p * (log_if_any(xp, p) - x) + (xp.exp(x) - p), axis=-1)


@generalized_kl.slope
def generalized_kl_slope(xp: Any, x: Array, p: Array) -> Any:
    return xp.exp(x) - p


def js_div_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    beta: Number = 0.5,
    axis: int = -1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Jensen-Shannon divergence of two distributions: how far each is from their mixture.

    .. math::
        \ell = (1 - \beta) \sum_k e^{x_k} (x_k - m_k) + \beta \sum_k e^{t_k} (t_k - m_k),
        \qquad e^{m_k} = (1 - \beta) e^{x_k} + \beta e^{t_k}

    Parameters
    ----------
    inputs : array
        Log probabilities, :math:`x`, with the outcomes along `axis`.
    targets : array or number
        Log probabilities, :math:`t`, in the shape of `inputs`.
    beta : number
        :math:`0 < \beta < 1`, the share of `targets` in the mixture.
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
        `beta` outside (0, 1), unequal shapes, an `axis` out of range or of length 0, or an unknown
        `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by both. At most log 2, and for :math:`\beta = 1/2` symmetric. The gradient by
    :math:`x_k` is :math:`(1 - \beta) e^{x_k} (x_k - m_k)`. An outcome that one of the two excludes costs a
    finite amount, one that both exclude nothing. Divided by :math:`\beta` it nears `kl_div_loss` as
    :math:`\beta` nears 0, and divided by :math:`1 - \beta` that in the other direction as it nears 1.

    References
    ----------
    J. Lin, "Divergence measures based on the Shannon entropy", *IEEE Transactions on Information Theory*
    37(1), 1991, pp. 145-151.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, t = np.log(np.asarray([[0.5, 0.5]])), np.asarray([[0.0, -np.inf]])
    >>> xlosses.js_div_loss(x, t, reduction="none").round(6).tolist()
    [0.215762]
    """
    arrays = dict(inputs=inputs, targets=targets)
    parameters = dict(beta=proportion(beta=beta))
    return evaluate(jensen_shannon, arrays, parameters, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows")
def jensen_shannon(xp: Any, x: Array, t: Array, beta: Number) -> Any:
    d = apart(xp, x, t)
    of_x = product(xp, xp.exp(x), log_mean(xp, d, beta))
    of_t = product(xp, xp.exp(t), log_mean(xp, -d, 1.0 - beta))
    return -xp.sum((1.0 - beta) * of_x + beta * of_t, axis=-1)


@jensen_shannon.slope(by=("x", "t"))
def jensen_shannon_slope(xp: Any, x: Array, t: Array, beta: Number) -> Any:
    # The derivatives by the mixture sum to 0.
    d = apart(xp, x, t)
    yield (beta - 1.0) * product(xp, xp.exp(x), log_mean(xp, d, beta))
    yield -beta * product(xp, xp.exp(t), log_mean(xp, -d, 1.0 - beta))


@jensen_shannon.ordinary
def jensen_shannon_ordinary(xp: Any, x: Array, t: Array, beta: Number) -> Any:
    of_x = xp.exp(x) * log_mean(xp, t - x, beta)
    of_t = xp.exp(t) * log_mean(xp, x - t, 1.0 - beta)
    return -xp.sum((1.0 - beta) * of_x + beta * of_t, axis=-1)


@jensen_shannon_ordinary.slope(by=("x", "t"))
def jensen_shannon_ordinary_slope(xp: Any, x: Array, t: Array, beta: Number) -> Any:
    yield (beta - 1.0) * xp.exp(x) * log_mean(xp, t - x, beta)
    yield -beta * xp.exp(t) * log_mean(xp, x - t, 1.0 - beta)


def apart(xp: Any, x: Array, t: Array) -> Any:
    """t - x, and 0 where both are -inf."""
    neither = xp.logical_and(x == t, xp.isinf(x))
    return xp.where(neither, 0.0, t) - xp.where(neither, 0.0, x)


def log_mean(xp: Any, d: Array, share: Number) -> Any:
    """log(1 - share + share e^d), accurate near d = 0; beyond 80, where e^d ends soon, it grows like d."""
    return xp.log1p(share * xp.expm1(xp.clip(d, None, 80.0))) + xp.relu(d - 80.0)
