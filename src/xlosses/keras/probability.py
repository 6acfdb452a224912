"""Distributions and rates, as Keras has them."""

from __future__ import annotations

from typing import Any

from xlosses.keras._formulas import EPSILON, averaged, clipped, logarithm, through
from xlosses.keras._names import named
from xlosses.keras.base import FormulaLoss
from xlosses.losses.counts import poisson_of_rate
from xlosses.losses.divergence import kl_divergence_of_probabilities

possible = clipped(EPSILON, 1.0)


@named()
class KLDivergence(FormulaLoss):
    r"""Kullback-Leibler divergence of the true probabilities from the predicted ones, as a Keras loss.

    .. math::
        \ell = \sum_{k=1}^{D} y_k \log \frac{y_k}{x_k}

    Parameters
    ----------
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    KLDivergence
        Called as ``loss(y_true, y_pred, sample_weight=None)``, with probabilities
        along the last axis.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    Both are kept between 1e-7 and 1, where the gradient by `y_pred` is 0 beyond. `xlosses.kl_div_loss` takes
    logarithms, and keeps nothing.

    References
    ----------
    Keras 3 API, ``keras.losses.KLDivergence``.

    Examples
    --------
    >>> from xlosses.keras import KLDivergence
    >>> print(f"{KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]):.6f}")
    0.143841
    """

    terms = through(possible, through(logarithm, kl_divergence_of_probabilities), of_both=True)


@named("kld", "KLD")
def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    r"""Kullback-Leibler divergence along the last axis, as a Keras function.

    .. math::
        \ell = \sum_{k=1}^{D} y_k \log \frac{y_k}{x_k}

    Parameters
    ----------
    y_true : array or list
        Probabilities along the last axis.
    y_pred : array or list
        Predicted probabilities in the shape of `y_true`.

    Returns
    -------
    array
        One value per sample, in the shape of `y_pred` without its last axis.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    Both are kept between 1e-7 and 1, where the gradient by `y_pred` is 0 beyond. `xlosses.kl_div_loss` takes
    logarithms, and keeps nothing.

    References
    ----------
    Keras 3 API, ``keras.losses.kl_divergence``.

    Examples
    --------
    >>> from xlosses.keras import kl_divergence
    >>> kl_divergence([[0.5, 0.5], [0.0, 1.0]], [[0.5, 0.5], [0.0, 1.0]]).tolist()
    [0.0, 0.0]
    """
    return KLDivergence().call(y_true, y_pred)


@named()
class Poisson(FormulaLoss):
    r"""Mean negative log likelihood of counts under Poisson rates, as a Keras loss.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \left(x_k - y_k \log(x_k + 10^{-7})\right)

    Parameters
    ----------
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    Poisson
        Called as ``loss(y_true, y_pred, sample_weight=None)``, with rates in `y_pred`.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    The gradient is that of `xlosses.poisson_nll_loss` with `log_input=False`.

    References
    ----------
    Keras 3 API, ``keras.losses.Poisson``.

    Examples
    --------
    >>> from xlosses.keras import Poisson
    >>> print(f"{Poisson()([[0.0, 2.0]], [[1.0, 1.0]]):.6f}")
    1.000000
    """

    terms = averaged(poisson_of_rate, full=False, eps=EPSILON)


@named()
def poisson(y_true: Any, y_pred: Any) -> Any:
    r"""Negative log likelihood of counts under Poisson rates, averaged over an axis, as a Keras function.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \left(x_k - y_k \log(x_k + 10^{-7})\right)

    Parameters
    ----------
    y_true : array or list
        Counts.
    y_pred : array or list
        Rates in the shape of `y_true`, up to a trailing axis of length one.

    Returns
    -------
    array
        One value per sample, in the shape of `y_pred` without its last axis.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    The gradient is that of `xlosses.poisson_nll_loss` with `log_input=False`.

    References
    ----------
    Keras 3 API, ``keras.losses.poisson``.

    Examples
    --------
    >>> from xlosses.keras import poisson
    >>> poisson([[0.0, 0.0]], [[1.0, 2.0]]).tolist()
    [1.5]
    """
    return Poisson().call(y_true, y_pred)
