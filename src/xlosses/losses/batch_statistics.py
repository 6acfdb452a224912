"""Two views of one batch compared by their statistics: one term for each batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from xlosses._core.checks import nonnegative, positive, reduction_name, shape_is
from xlosses._core.formula import Formula, formula
from xlosses._core.plan import one_framework
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def vicreg_loss(
    x1: ArrayT,
    x2: Array,
    *,
    invariance: Number = 25.0,
    variance: Number = 25.0,
    covariance: Number = 1.0,
    eps: Number = 1e-4,
    kept: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Squared distance of two views, with a floor under the variances and a price on covariances.

    .. math::
        \ell = \lambda\, \frac{1}{N D} \sum_{i,k} (x_{ik} - x'_{ik})^2
        + \mu\, [v(x) + v(x')] + \nu\, [c(x) + c(x')],

    .. math::
        v(x) = \frac1D \sum_k \max\left(0, 1 - \sqrt{C_{kk} + \epsilon}\right), \qquad
        c(x) = \frac1D \sum_{k \ne l} C_{kl}^2, \qquad
        C = \frac{1}{N - 1} \sum_i (x_i - \bar x) (x_i - \bar x)^T

    Parameters
    ----------
    x1 : array
        :math:`x`, of shape (..., N, D): the N rows of a batch.
    x2 : array
        :math:`x'`, of the same shape: the other view of each row, in the same place.
    invariance, variance, covariance : number
        :math:`\lambda \ge 0`, :math:`\mu \ge 0` and :math:`\nu \ge 0`.
    eps : number
        :math:`\epsilon > 0`, in the squared unit of the arrays.
    kept : boolean array, optional
        Which rows there are, of shape (..., N). The others, such as padding, are in no statistic and may
        hold NaN.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per batch, become the result.
    weights, where, dtype : optional
        Weight of each batch, batches to keep, dtype of the result: as in `evaluate`. Rows are left out by
        `kept`.

    Returns
    -------
    array
        One number, or for "none" the shape of `x1` without its last two axes.

    Raises
    ------
    ValueError
        Arrays that are not of one shape (..., N, D), or without entries; `kept` of another shape than
        (..., N); a negative `invariance`, `variance` or `covariance`, `eps` that is not above 0, or an
        unknown `reduction`.
    TypeError
        `kept` that is not boolean, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `x1` and `x2`. The gradient of the floor is 0 where a standard deviation is 1; that of a
    constant column is 0 and finite beside it, thanks to `eps`. One row has the variance 0; without any row
    the loss is 0.

    One array of shape (N, D) is one batch and one term. As in the paper's appendix; the code that its authors
    have published halves the variance term.

    References
    ----------
    A. Bardes, J. Ponce, Y. LeCun, "VICReg: Variance-invariance-covariance regularization for self-supervised
    learning", *ICLR*, 2022, eqs. 1-6 and algorithm 1.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x1 = np.asarray([[2.0, 0.0], [0.0, 1.0], [-2.0, -1.0]])
    >>> x2 = np.asarray([[2.0, 0.0], [0.0, 1.0], [-2.0, -2.0]])
    >>> float(xlosses.vicreg_loss(x1, x2).round(4))
    9.1667
    """
    reduction_name(reduction)
    parameters = dict(
        invariance=nonnegative(invariance=invariance),
        variance=nonnegative(variance=variance),
        covariance=nonnegative(covariance=covariance),
        eps=positive(eps=eps),
    )
    return of_batches(vicreg, x1, x2, kept, parameters, reduction, weights, where, dtype)


@formula("rows", "rows", "arrays", static=("columns",), width=lambda x, *_: 2 * x[-1])
def vicreg(xp: Any, x1: Array, x2: Array, kept: Array | None, columns: int, **prices: Number) -> Any:
    x1, x2, n = matrices(xp, x1, x2, kept, columns)
    apart = x1 - x2
    cost = prices["invariance"] * both_axes(xp, apart * apart / (columns * n.rows))
    for x in (x1, x2):
        cost = cost + spread(xp, centred(xp, x, kept, n), n, **prices)
    return cost if kept is None else cost * xp.step(xp.sum(kept, axis=-1))


@vicreg.slope(by=("x1", "x2"))
def vicreg_slope(
    xp: Any, x1: Array, x2: Array, kept: Array | None, columns: int, **prices: Number
) -> Iterator[Any]:
    shape = x1.shape
    x1, x2, n = matrices(xp, x1, x2, kept, columns)
    pull = (x1 - x2) * (2.0 * prices["invariance"] / columns / n.rows)
    yield xp.reshape(pull + spread_slope(xp, centred(xp, x1, kept, n), n, **prices), shape)
    yield xp.reshape(spread_slope(xp, centred(xp, x2, kept, n), n, **prices) - pull, shape)


def spread(
    xp: Any, view: Array, n: Numbers, invariance: Number, variance: Number, covariance: Number, eps: Number
) -> Any:
    """What the variances and covariances of a centred view cost."""
    deviation, together = deviations(xp, view, n, eps)
    lacking, alike = both_axes(xp, xp.relu(1.0 - deviation)), both_axes(xp, together * together)
    return (variance * lacking + covariance * alike) / view.shape[-1]


def spread_slope(
    xp: Any, view: Array, n: Numbers, invariance: Number, variance: Number, covariance: Number, eps: Number
) -> Any:
    """Its slope by the view; that by the rows is the same, as its columns have the mean 0."""
    deviation, together = deviations(xp, view, n, eps)
    widen = variance * xp.step(1.0 - deviation) / deviation
    return (4.0 * covariance * xp.matmul(view, together) - view * widen) / (view.shape[-1] * n.degrees)


def deviations(xp: Any, view: Array, n: Numbers, eps: Number) -> tuple[Any, Any]:
    """The standard deviation of each column, and the covariances of different ones."""
    deviation = xp.sqrt(xp.sum(view * view, axis=-2, keepdims=True) / n.degrees + eps)
    return deviation, off_diagonal(xp, xp.matmul(xp.matrix_transpose(view), view)) / n.degrees


def barlow_twins_loss(
    x1: ArrayT,
    x2: Array,
    *,
    off_diagonal: Number = 0.0051,
    eps: Number = 1e-5,
    kept: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far the correlations of two views are from 1 of each column with itself and 0 with all others.

    .. math::
        \ell = \sum_k (1 - C_{kk})^2 + \lambda \sum_{k \ne l} C_{kl}^2, \qquad
        C = \frac1N \sum_i u_i {u'_i}^T, \qquad
        u_{ik} = \frac{x_{ik} - \bar x_k}{\sqrt{\operatorname{var}_k(x) + \epsilon}}

    Parameters
    ----------
    x1 : array
        :math:`x`, of shape (..., N, D): the N rows of a batch.
    x2 : array
        :math:`x'`, of the same shape: the other view of each row, in the same place.
    off_diagonal : number
        :math:`\lambda \ge 0`.
    eps : number
        :math:`\epsilon \ge 0`, in the squared unit of the arrays; 0 for plain correlations.
    kept : boolean array, optional
        Which rows there are, of shape (..., N). The others, such as padding, are in no statistic and may
        hold NaN.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per batch, become the result.
    weights, where, dtype : optional
        Weight of each batch, batches to keep, dtype of the result: as in `evaluate`. Rows are left out by
        `kept`.

    Returns
    -------
    array
        One number without unit, or for "none" the shape of `x1` without its last two axes.

    Raises
    ------
    ValueError
        Arrays that are not of one shape (..., N, D), or without entries; `kept` of another shape than
        (..., N); a negative `off_diagonal` or `eps`, or an unknown `reduction`.
    TypeError
        `kept` that is not boolean, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `x1` and `x2`. A constant column has correlation 0 with all; with ``eps=0`` so is the
    gradient by it. Without any row the loss is 0. The variance is that of batch normalisation, a sum over N.

    One array of shape (N, D) is one batch and one term. What a column lacks to 1 is computed from the
    differences of the views, and keeps its digits where they are nearly the same.

    References
    ----------
    J. Zbontar, L. Jing, I. Misra, Y. LeCun, S. Deny, "Barlow twins: Self-supervised learning via redundancy
    reduction", *ICML*, 2021, eqs. 1 and 2, algorithm 1.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x1 = np.asarray([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> float(xlosses.barlow_twins_loss(x1, x1, eps=0.0)), float(xlosses.barlow_twins_loss(x1, -x1, eps=0.0))
    (0.0, 8.0)
    """
    reduction_name(reduction)
    parameters = dict(price=nonnegative(off_diagonal=off_diagonal), eps=nonnegative(eps=eps))
    return of_batches(barlow_twins, x1, x2, kept, parameters, reduction, weights, where, dtype)


@formula("rows", "rows", "arrays", static=("columns",), width=lambda x, *_: 2 * x[-1])
def barlow_twins(
    xp: Any, x1: Array, x2: Array, kept: Array | None, columns: int, price: Number, eps: Number
) -> Any:
    x1, x2, n = matrices(xp, x1, x2, kept, columns)
    views = [normalised(xp, centred(xp, x, kept, n), n, eps) for x in (x1, x2)]
    lacking, together = correlations(xp, views, n)
    cost = both_axes(xp, lacking * lacking) + price * both_axes(xp, together * together)
    return cost if kept is None else cost * xp.step(xp.sum(kept, axis=-1))


@barlow_twins.slope(by=("x1", "x2"))
def barlow_twins_slope(
    xp: Any, x1: Array, x2: Array, kept: Array | None, columns: int, price: Number, eps: Number
) -> Iterator[Any]:
    shape = x1.shape
    x1, x2, n = matrices(xp, x1, x2, kept, columns)
    views = [normalised(xp, centred(xp, x, kept, n), n, eps) for x in (x1, x2)]
    lacking, together = correlations(xp, views, n)
    for k, apart in enumerate((xp.matrix_transpose(together), together)):
        (u, scale, _), (other, _, _) = views[k], views[1 - k]
        by_u = 2.0 / n.rows * (price * xp.matmul(other, apart) - other * lacking)
        back = xp.sum(by_u * u, axis=-2, keepdims=True) / n.rows
        yield xp.reshape((by_u - u * back) * scale, shape)


def normalised(xp: Any, view: Array, n: Numbers, eps: Number) -> tuple[Any, Any, Any]:
    """A centred view over the deviation of each column, one over that, and what its square lacks to 1."""
    total = xp.sum(view * view, axis=-2, keepdims=True) / n.rows + eps
    constant = total == 0
    total = xp.where(constant, 1.0, total)
    scale = xp.where(constant, 0.0, 1.0 / xp.sqrt(total))
    return view * scale, scale, xp.where(constant, 1.0, eps / total)


def correlations(xp: Any, views: Any, n: Numbers) -> tuple[Any, Any]:
    """What the correlation of each column with its own lacks to 1, and those with all others."""
    (u1, _, lost1), (u2, _, lost2) = views
    apart = u1 - u2
    lacking = 0.5 * (xp.sum(apart * apart, axis=-2, keepdims=True) / n.rows + (lost1 + lost2))
    return lacking, off_diagonal(xp, xp.matmul(xp.matrix_transpose(u1), u2)) / n.rows


def off_diagonal(xp: Any, x: Array) -> Any:
    """A square matrix with 0 on its diagonal."""
    place = xp.indices(x.shape[-1], x)
    return xp.where(place[:, None] == place, 0.0, x)


def both_axes(xp: Any, x: Array) -> Any:
    """The sum of each matrix."""
    return xp.sum(xp.sum(x, axis=-1), axis=-1)


class Numbers(NamedTuple):
    """What sums over the rows of a batch are divided by."""

    rows: Any  # how many there are, and 1 if there are none
    degrees: Any  # one less, and 1 if there is one


def matrices(xp: Any, x1: Array, x2: Array, kept: Array | None, columns: int) -> tuple[Any, Any, Numbers]:
    """The rows of each batch, which the grammar has laid out one after the other; 0 for those left out."""
    # An empty array has no -1, one batch alone may be of any length.
    shape = (*x1.shape[:-1], -1 if len(x1.shape) == 1 else x1.shape[-1] // columns, columns)
    x1, x2 = xp.reshape(x1, shape), xp.reshape(x2, shape)
    if kept is None:
        n = x1.shape[-2]
        return x1, x2, Numbers(n, max(n - 1, 1))
    n, inside = xp.sum(kept, axis=-1)[..., None, None], kept[..., None] > 0
    divisors = Numbers(xp.clip(n, 1.0, None), xp.clip(n - 1.0, 1.0, None))
    return xp.where(inside, x1, 0.0), xp.where(inside, x2, 0.0), divisors


def centred(xp: Any, x: Array, kept: Array | None, n: Numbers) -> Any:
    """The rows less their mean; 0 for those left out."""
    view = x - xp.sum(x, axis=-2, keepdims=True) / n.rows
    return view if kept is None else view * kept[..., None]


def of_batches(
    form: Formula,
    x1: Any,
    x2: Any,
    kept: Any,
    parameters: Any,
    reduction: Any,
    weights: Any,
    where: Any,
    dtype: Any,
) -> Any:
    """Evaluate a formula whose terms are batches of rows."""
    xp, _ = one_framework({"x1": x1, "x2": x2, **({} if kept is None else {"kept": kept})})
    shape = tuple(x1.shape)
    if len(shape) < 2:
        raise ValueError(f"x1 must have a shape (..., N, D), got {shape}")
    if kept is not None:
        shape_is(shape[:-1], kept=kept)
        if xp.dtype_name(kept.dtype) != "bool":
            raise TypeError(f"kept must be a boolean array, got dtype {xp.dtype_name(kept.dtype)}")
    arrays, parameters = dict(x1=x1, x2=x2, kept=kept), {**parameters, "columns": shape[-1]}
    return evaluate(form, arrays, parameters, reduction, weights, where, dtype, axis=(-2, -1))
