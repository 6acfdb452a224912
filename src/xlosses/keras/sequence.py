"""Sequences labelled without saying when, as Keras has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._backends import Namespace
from xlosses._core.formula import formula
from xlosses._typing import Array
from xlosses.keras._arrays import labels
from xlosses.keras._names import named
from xlosses.keras.base import FormulaLoss
from xlosses.losses.sequence import ctc as of_log_probs
from xlosses.losses.sequence import ctc_vjp, no_labels_or_lengths

BLANK = 0


@formula("rows", "integer rows", static=("classes",), width=of_log_probs.width)
def of_logits(xp: Any, x: Array, y: Array, classes: int) -> Any:
    return of_log_probs(xp, *labelled(xp, x, y, classes), blank=BLANK, classes=classes, zeroed=False)


@of_logits.vjp(by=("x",))
def of_logits_vjp(xp: Any, g: Array, x: Array, y: Array, classes: int) -> Iterator[Any]:
    log_p, *rest = labelled(xp, x, y, classes)
    of_ctc = ctc_vjp(xp, g, log_p, *rest, blank=BLANK, classes=classes, zeroed=False)
    yield next(of_ctc)
    log_p, slope = by_frame(xp, log_p, classes), by_frame(xp, next(of_ctc), classes)
    yield xp.reshape(slope - xp.exp(log_p) * xp.sum(slope, axis=-1, keepdims=True), x.shape)


@of_logits.refuses
def no_labels(xp: Any, x: Array, y: Array, classes: int) -> Iterator[Any]:
    *_, (_, bad, wanted) = no_labels_or_lengths(xp, x, y, *lengths(xp, x, y, classes), BLANK, classes)
    yield 1, bad, wanted


def labelled(xp: Any, x: Array, y: Array, classes: int) -> tuple[Any, ...]:
    """The arrays of the CTC formula, of logits."""
    log_p = xp.reshape(xp.log_softmax(by_frame(xp, x, classes)), x.shape)
    return log_p, y, *lengths(xp, x, y, classes)


def lengths(xp: Any, x: Array, y: Array, classes: int) -> tuple[Any, Any]:
    """All frames count, and as many labels as are not the blank."""
    count = xp.sum(xp.astype(y != BLANK, y.dtype), axis=-1)
    return xp.zeros_like(count) + x.shape[-1] // classes, count


def by_frame(xp: Any, x: Array, classes: int) -> Any:
    """Rows of all logits as frames by classes."""
    return xp.reshape(x, (*x.shape[:-1], x.shape[-1] // classes, classes))


@named()
class CTC(FormulaLoss):
    r"""Connectionist temporal classification, as a Keras loss.

    .. math::
        \ell = -\log \sum_{\pi :\; \mathcal{B}(\pi) = y} \; \prod_{t=1}^{T} p_{t, \pi_t}

    where :math:`p_t` is the softmax of frame :math:`t`, and :math:`\mathcal{B}` merges the repetitions in a
    path :math:`\pi` of classes and then removes the blanks, which are class 0.

    Parameters
    ----------
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    CTC
        Called as ``loss(y_true, y_pred, sample_weight=None)``, with labels of shape (N, S) in `y_true`, each
        row filled up by 0, and logits of shape (N, T, C) in `y_pred`.

    Raises
    ------
    ValueError
        Arrays of other shapes, a label that is no class or has a 0 before it, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    All frames count; `xlosses.ctc_loss` takes the length of each sequence. One that cannot be aligned costs
    infinity with gradient 0; that of Keras is NaN on PyTorch, and its cost about 1e5 on JAX. A label that is
    no class, or has a 0 before it, raises where Python may look at it, and else makes value and gradient NaN;
    Keras returns a number.

    References
    ----------
    Keras 3 API, ``keras.losses.CTC``.

    Examples
    --------
    >>> from xlosses.keras import CTC
    >>> print(f"{CTC()([[1, 2]], [[[0.0, 0.0, 0.0]] * 2]):.6f}")  # one path of 9
    2.197225
    """

    terms = of_logits

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "ctc", dtype: Any = None
    ) -> None:
        super().__init__(reduction, name, dtype)

    def prepared(self, xp: Namespace, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        for name, x, wanted in (
            ("y_true", y_true, "(batch, labels)"),
            ("y_pred", y_pred, "(batch, frames, classes)"),
        ):
            if len(x.shape) != wanted.count(",") + 1:
                raise ValueError(f"{name} must have a shape {wanted}, got {tuple(x.shape)}")
        return labels(xp, y_true, y_pred, -1), y_pred

    def _of_formula(
        self, xp: Namespace, y_true: Any, y_pred: Any, reduction: str, weights: Any, mask: Any
    ) -> Any:
        y_true, y_pred = self.prepared(xp, y_true, y_pred)
        n, _, classes = y_pred.shape
        of, parameters = {"y_pred": y_pred, "y_true": y_true}, {"classes": classes}
        return self._evaluated(
            xp, self.terms, of, (n,), reduction, weights, mask, axis=(1, 2), parameters=parameters
        )


@named()
def ctc(y_true: Any, y_pred: Any) -> Any:
    r"""Connectionist temporal classification, as a Keras function.

    .. math::
        \ell = -\log \sum_{\pi :\; \mathcal{B}(\pi) = y} \; \prod_{t=1}^{T} p_{t, \pi_t}

    where :math:`p_t` is the softmax of frame :math:`t`, and :math:`\mathcal{B}` merges the repetitions in a
    path :math:`\pi` of classes and then removes the blanks, which are class 0.

    Parameters
    ----------
    y_true : array or list
        Labels of shape (N, S), each row filled up by 0; real numbers count as the integers that they are.
    y_pred : array or list
        Logits of shape (N, T, C).

    Returns
    -------
    array
        One value per sequence.

    Raises
    ------
    ValueError
        Arrays of other shapes, a label that is no class or has a 0 before it, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    All frames count; `xlosses.ctc_loss` takes the length of each sequence. One that cannot be aligned costs
    infinity with gradient 0; that of Keras is NaN on PyTorch, and its cost about 1e5 on JAX. A label that is
    no class, or has a 0 before it, raises where Python may look at it, and else makes value and gradient NaN;
    Keras returns a number.

    References
    ----------
    Keras 3 API, ``keras.losses.ctc``.

    Examples
    --------
    >>> from xlosses.keras import ctc
    >>> ctc([[1, 2], [1, 0]], [[[0.0, 0.0, 0.0]] * 2] * 2)
    array([2.1972246, 1.0986123], dtype=float32)
    """
    return CTC().call(y_true, y_pred)
