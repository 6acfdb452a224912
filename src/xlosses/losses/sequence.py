"""Sequences that are labelled without saying when: all alignments count."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from functools import partial
from typing import Any

from xlosses._core.checks import axes_of, ndim
from xlosses._core.formula import formula
from xlosses._core.numerics import log_add, log_add_slopes, per_class
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction


def ctc_loss(
    log_probs: ArrayT,
    targets: Array,
    input_lengths: Array | int,
    target_lengths: Array | int,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    axis: tuple[int, int] = (0, -1),
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Connectionist temporal classification: how unlikely a labelling of frames is, however it is aligned.

    .. math::
        \ell = -\log \sum_{\pi :\; \mathcal{B}(\pi) = y} \; \prod_{t \le T} p_{t, \pi_t}

    where :math:`\mathcal{B}` merges the repetitions in a path :math:`\pi` of classes, one for each frame, and
    then removes the blanks.

    Parameters
    ----------
    log_probs : array
        Logarithms of the probabilities, :math:`\log p`, of shape (T, N, C): frames, sequences, classes.
    targets : array
        The labels of each sequence, :math:`y`, integers of shape (N, S): classes other than `blank`. What
        follows the first `target_lengths` of them does not matter.
    input_lengths : array or int
        How many frames each sequence has, of shape (N,), at most T. What the others hold does not matter.
    target_lengths : array or int
        How many labels each sequence has, of shape (N,), at most S.
    blank : int
        The class that stands for no label.
    zero_infinity : bool
        Whether a sequence that cannot be aligned costs 0; infinity otherwise.
    axis : tuple of two int
        The axes of frames and of classes in `log_probs`: ``(1, 2)`` for shape (N, T, C).
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per sequence, become the result. "weighted_mean" is the mean per label.
    weights, where, dtype : optional
        Weight of each sequence, sequences to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" shape (N,), in nats.

    Raises
    ------
    ValueError
        Shapes that do not fit, an `axis` out of range or of length 0, a `blank` that is no class, an unknown
        `reduction`; where values can be read, a label that is no class or is the blank, or a length out of
        range. Elsewhere such a sequence has the loss and the gradient NaN.
    TypeError
        Labels or lengths that are no integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient by a log probability is minus the probability that its frame has its class, given the labels.
    PyTorch's adds the probabilities to it: a gradient by logits, which is this one after the gradient of a
    log softmax.

    A sequence with fewer frames than labels, counting a blank between equal neighbours, cannot be aligned;
    nor can one whose labels have probability 0. Its gradient is 0. Without labels all frames are blank, and
    without frames as well the loss is 0.

    The log probabilities are used as they are, whether or not they are normalised.

    References
    ----------
    A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, "Connectionist temporal classification: labelling
    unsegmented sequence data with recurrent neural networks", *ICML*, 2006, eqs. 3 and 5-8.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> p = np.full((2, 1, 3), 1 / 3)  # blank, 1 and 2
    >>> labels = np.asarray([[1, 2]])
    >>> both = xlosses.ctc_loss(np.log(p), labels, np.asarray([2]), np.asarray([2]))
    >>> one = xlosses.ctc_loss(np.log(p), labels, np.asarray([2]), np.asarray([1]))  # 1 1, 1 -, - 1
    >>> np.exp(-both).round(6).tolist(), np.exp(-one).round(6).tolist()
    (0.111111, 0.333333)
    """
    arrays = dict(
        log_probs=log_probs, targets=targets, input_lengths=input_lengths, target_lengths=target_lengths
    )
    classes = 1
    if ndim(log_probs) > 1:
        classes = log_probs.shape[axes_of(ndim(log_probs), axis)[-1]]
    parameters = dict(blank=label_of(classes, blank), classes=classes, zeroed=bool(zero_infinity))
    return evaluate(ctc, arrays, parameters, reduction, weights, where, dtype, axis=axis)


def label_of(classes: int, blank: int) -> int:
    """The blank, if it is one of the classes."""
    if not 0 <= operator.index(blank) < max(classes, 1):
        raise ValueError(f"blank must be a class in [0, {classes}), got {blank}")
    return operator.index(blank)


@formula(
    *("rows", "integer rows", "integers", "integers"),
    static=("blank", "classes", "zeroed"),
    # That of one frame: where a step is Python, it takes as long for two sequences as for a hundred.
    width=lambda x, y, *_, classes: 16 * (y[-1] + 1) + classes,
)
def ctc(
    xp: Any, x: Array, y: Array, frames: Array, length: Array, blank: int, classes: int, zeroed: bool
) -> Any:
    y = following(xp, y, length, blank)
    return cost(xp, all_alignments(xp, x, y, frames, length, blank, classes)[0], zeroed)


@ctc.vjp(by=("x",))
def ctc_vjp(
    xp: Any, g: Any, x: Array, y: Array, frames: Array, length: Array, blank: int, classes: int, zeroed: bool
) -> Iterator[Any]:
    y = following(xp, y, length, blank)
    loss, ended, shares, there = all_alignments(xp, x, y, frames, length, blank, classes)
    yield cost(xp, loss, zeroed)
    moves = tuple(xp.flip(share, axis=0) for share in shares)
    nothing = xp.zeros_like(moves[0][0, ...])
    in_blank, in_label = (xp.put_at(nothing, length, share) for share in log_add_slopes(xp, *ended))
    last = in_blank, xp.roll(in_label, -1, axis=-1)
    _, states = xp.scan(partial(backward, xp), last, moves)
    yield -xp.reshape(of_classes(xp, states, y, there, classes), x.shape) * g[..., None]


@ctc.weight
def number_of_labels(xp: Any, x: Array, y: Array, frames: Array, length: Array, **_: Any) -> Any:
    return xp.astype(length, x.dtype)


@ctc.refuses
def no_labels_or_lengths(
    xp: Any, x: Array, y: Array, frames: Array, length: Array, blank: int, classes: int, **_: Any
) -> Iterator[Any]:
    for place, n, most in (2, frames, x.shape[-1] // classes), (3, length, y.shape[-1]):
        yield place, xp.logical_or(n < 0, n > most), f"lengths in [0, {most}]"
    bad = xp.logical_or(xp.logical_or(y < 0, y >= classes), y == blank)
    yield (
        1,
        xp.logical_and(places(xp, y) < length[..., None], bad),
        f"labels in [0, {classes}) other than {blank}, the blank",
    )


def cost(xp: Any, loss: Array, zeroed: bool) -> Any:
    """The loss, or 0 in place of infinity."""
    return xp.where(loss == float("inf"), 0.0, loss) if zeroed else loss


def following(xp: Any, y: Array, length: Array, blank: int) -> Any:
    """The labels of each sequence, and then blanks, one at least."""
    y = xp.concat([y, xp.zeros_like(length)[..., None]], axis=-1)
    return xp.where(places(xp, y) < length[..., None], y, blank)


def places(xp: Any, y: Array) -> Any:
    """0, 1, ... along the last axis of the labels."""
    return per_class(xp, xp.indices(y.shape[-1], y), y)


def all_alignments(
    xp: Any, x: Array, y: Array, frames: Array, length: Array, blank: int, classes: int
) -> tuple[Any, ...]:
    """The loss; of what two states it was made; of each frame how it was reached, and whether it counts.

    A state is (log probabilities to be in the blank before each label, to be in each label). The last label
    cannot be reached: shifted by a place it is the one before the first.
    """
    differs = y != xp.roll(y, 1, axis=-1)
    there, *emitted = ctc_frames(xp, x, y, frames, length, blank, classes)
    never = xp.zeros_like(emitted[1][0, ...]) - float("inf")
    start = xp.where(places(xp, y) == 0, 0.0, never), never
    step = partial(forward, xp, differs)
    (blanks, labels), (scales, *states) = xp.scan(step, start, (there, *emitted))
    ended = xp.pick(blanks, length), xp.pick(xp.roll(labels, 1, axis=-1), length)
    loss = -(xp.sum(scales, axis=0) + log_add(xp, *ended))
    return loss, ended, reached(xp, states, differs, there), there


def ctc_frames(
    xp: Any, x: Array, y: Array, frames: Array, length: Array, blank: int, classes: int
) -> tuple[Any, Any, Any]:
    """Of each frame, along the first axis: whether it counts, log probabilities of blank and labels."""
    x = xp.moveaxis(xp.reshape(x, (*x.shape[:-1], x.shape[-1] // classes, classes)), -2, 0)
    there = xp.reshape(xp.indices(x.shape[0], x), (-1, *(1 for _ in frames.shape))) < frames[None, ...]
    of_labels = xp.where(there[..., None], xp.pick(x, xp.broadcast_to(y, (x.shape[0], *y.shape))), 0.0)
    is_label = (places(xp, y) < length[..., None])[None, ...]
    return there, xp.where(there, x[..., blank], 0.0), xp.where(is_label, of_labels, -float("inf"))


def forward(xp: Any, differs: Array, state: Any, frame: Any) -> Any:
    """The step of a frame: from a state to the next, less its largest; and that, with the state before."""
    (blanks, labels), (there, of_blank, of_labels) = state, frame
    to_blanks, to_labels = ways(xp, state, differs)
    new_blanks = log_add(xp, *to_blanks) + of_blank[..., None]
    new_labels = log_add(xp, *to_labels) + of_labels
    scale = xp.max(xp.stop_gradient(xp.maximum(new_blanks, new_labels)), axis=-1)
    scale = xp.where(xp.logical_and(there, scale > -float("inf")), scale, 0.0)
    counts, less = there[..., None], scale[..., None]
    new = xp.where(counts, new_blanks - less, blanks), xp.where(counts, new_labels - less, labels)
    return new, (scale, blanks, labels)


def ways(xp: Any, state: Any, differs: Array) -> Any:
    """From where each blank is reached: itself and the label before; and each label: itself, the blank before
    and, if that is another, the label before."""
    blanks, labels = state
    before = xp.roll(labels, 1, axis=-1)
    return (blanks, before), (labels, blanks, xp.where(differs, before, -float("inf")))


def reached(xp: Any, before: Any, differs: Array, there: Array) -> Iterator[Any]:
    """How much of each state after a frame came on which of the five ways, from the states before."""
    for states in ways(xp, before, differs[None, ...]):
        for way, share in enumerate(log_add_slopes(xp, *states)):
            yield xp.where(there[..., None], share, float(way == 0))


def backward(xp: Any, state: Any, moves: Any) -> Any:
    """The step of a frame: from the probabilities of the states, given the labels, to those before it."""
    (by_blanks, by_labels), (stay, go, stay_there, come, skip) = state, moves
    new_blanks = stay * by_blanks + come * by_labels
    new_labels = stay_there * by_labels + xp.roll(go * by_blanks + skip * by_labels, -1, axis=-1)
    return (new_blanks, new_labels), state


def of_classes(xp: Any, states: Any, y: Array, there: Array, classes: int) -> Any:
    """The probability of each class in each frame, from those of the states, whose frames are in reverse."""
    in_blanks, in_labels = states
    # The last of the labels is no label, and a blank: it stands for all blanks.
    states = xp.concat([in_labels[..., :-1], xp.sum(in_blanks, axis=-1, keepdims=True)], axis=-1)
    states = xp.where(there[..., None], xp.flip(states, axis=0), 0.0)
    named = xp.astype(y[..., None] == per_class(xp, xp.indices(classes, y), y[..., None]), states.dtype)
    return xp.matmul(xp.moveaxis(states, 0, -2), named)
