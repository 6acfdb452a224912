"""Negative log likelihood of mixtures of several distributions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from xlosses._core.formula import formula
from xlosses._core.numerics import at_least, tiny
from xlosses._core.special import HALF_LOG_TWO_PI
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction


def mixture_nll_loss(
    logits: ArrayT,
    means: Array,
    log_scales: Array,
    targets: Array | float,
    *,
    axis: int = -1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of a mixture of normal distributions, the loss of mixture density networks.

    .. math::
        \ell = -\log \sum_k \pi_k \frac{e^{-z_k^2 / 2}}{\sqrt{2 \pi}\, \sigma_k},
        \qquad z_k = \frac{y - \mu_k}{\sigma_k},
        \quad \pi = \operatorname{softmax}(a)

    Parameters
    ----------
    logits : array
        Logarithms of the components' shares but for a constant, :math:`a`, real, along `axis`.
    means : array
        Their means, :math:`\mu`, in the shape of `logits` and the unit of `targets`.
    log_scales : array
        The logarithms of their standard deviations, :math:`\log \sigma`, in the shape of `logits`.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape of `logits` without `axis`.
    axis : int
        The axis of the components.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per target, become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `targets`, in nats.

    Raises
    ------
    ValueError
        Shapes that do not fit, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `logits`, `means` and `log_scales`. With :math:`\gamma_k` the share of the likelihood
    that is component k's, the gradients are :math:`\pi_k - \gamma_k`, :math:`-\gamma_k z_k / \sigma_k` and
    :math:`\gamma_k (1 - z_k^2)`.

    A target far from all means costs :math:`z^2 / 2` of the nearest, however small its likelihood. A logit of
    -inf is a component that does not count. On a target that is equal to a mean the loss falls with the
    scale, so that `log_scales` are best bounded from below: scales below the smallest normal number, 1e-38
    in float32, are taken for it, with gradient 0.

    References
    ----------
    C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, section 5.6, pp. 272-277.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> a, s, y = np.zeros((2, 2)), np.zeros((2, 2)), np.asarray([0.0, 60.0])
    >>> mu = np.asarray([[0.0, 0.0], [0.0, 50.0]])
    >>> xlosses.mixture_nll_loss(a, mu, s, y, reduction="none").round(6).tolist()
    [0.918939, 51.612086]
    """
    arrays = dict(logits=logits, means=means, log_scales=log_scales, targets=targets)
    return evaluate(mixture_nll, arrays, {}, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows", "rows", "scalars", width=lambda a, *_: 2 * a[-1])
def mixture_nll(xp: Any, a: Array, mean: Array, log_scale: Array, y: Array) -> Any:
    w, _, _, t = parts(xp, a, mean, log_scale, y)
    _, total = xp.log_sum_exp(w)
    largest, rest = xp.log_sum_exp(t)
    loss = (total - rest) - largest + HALF_LOG_TWO_PI
    return xp.where(loss > 3.96 / tiny(xp, a), float("inf"), loss)  # `parts` has clipped all components


@mixture_nll.slope(by=("a", "mean", "log_scale"))
def mixture_nll_slope(xp: Any, a: Array, mean: Array, log_scale: Array, y: Array) -> Iterator[Any]:
    w, narrow, z, t = parts(xp, a, mean, log_scale, y)
    share = xp.softmax(t)
    yield xp.softmax(w) - share
    yield -(share * z * narrow)
    yield xp.where(log_scale <= math.log(tiny(xp, a)), 0.0, share * (1.0 - z) * (1.0 + z))


def parts(xp: Any, a: Array, mean: Array, log_scale: Array, y: Array) -> tuple[Any, Any, Any, Any]:
    """(w, 1 / scale, z, t): log weights, errors, and log weights of the densities. No error is infinite."""
    least = tiny(xp, a)
    w = a - xp.max(xp.stop_gradient(a), axis=-1)[..., None]
    s = at_least(xp, log_scale, math.log(least))
    narrow = xp.exp(-s)
    far = math.sqrt(7.95) / math.sqrt(least)  # half of its square is hardly the largest number
    reach = far / at_least(xp, xp.stop_gradient(narrow), 0.251 * far * least)
    z = xp.clip(y[..., None] - mean, -reach, reach) * narrow
    # No smaller than the smallest number, together with w.
    fall = xp.clip(0.5 * z * z, None, xp.relu(xp.stop_gradient(w) + 3.97 / least))
    return w, narrow, z, (w - s) - fall
