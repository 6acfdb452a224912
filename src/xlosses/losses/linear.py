"""Cross entropy of the outputs of a linear layer, without the outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._core.checks import fraction, is_number, nonnegative, positive, reduction_name, shape_is
from xlosses._core.formula import declared
from xlosses._core.numerics import of_class, per_class, products, sum_of_products, transposed
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def linear_cross_entropy(
    hidden: ArrayT,
    weight: Array,
    targets: Array | int,
    bias: Array | None = None,
    *,
    label_smoothing: Number = 0.0,
    softcap: Number | None = None,
    z_loss: Number = 0.0,
    class_weights: Array | None = None,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Cross entropy of ``hidden @ weight.T + bias``, which never holds all of these logits.

    .. math::
        \ell = -\sum_k c_k t'_k \log \frac{e^{x_k}}{\sum_j e^{x_j}}
        + z \Big( \log \sum_j e^{x_j} \Big)^2,
        \qquad x_k = w_k \cdot h + b_k, \qquad t'_k = (1 - s) t_k + \frac{s}{C}

    Parameters
    ----------
    hidden : array
        Features :math:`h` of each position, real, of shape (..., D).
    weight : array
        The vector :math:`w_k` of each of the :math:`C` classes, of shape (C, D).
    targets : array or int
        Integer classes in [0, C), in the shape of `hidden` without the last axis.
    bias : array, optional
        :math:`b`, of shape (C,).
    label_smoothing : number
        The share :math:`s \in [0, 1)` of each target that is spread evenly over the classes.
    softcap : number, optional
        The largest logit :math:`m > 0`: every :math:`x` becomes :math:`m \tanh(x / m)`.
    z_loss : number
        :math:`z \ge 0`, which keeps the logarithm of the partition function near 0.
    class_weights : array, optional
        :math:`c`, of shape (C,). In "weighted_mean" a position counts :math:`c_t` times its entry of
        `weights`.
    ignore_index : int, optional
        Positions with this label are left out.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per position, become the result.
    weights, where, dtype : optional
        Weight of each position, positions to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `targets`, in nats.

    Raises
    ------
    ValueError
        A label out of range where Python may look at it (elsewhere its loss is NaN, and so are the
        gradients), shapes that do not fit, `label_smoothing` outside [0, 1), `softcap` that is not
        positive, a negative `z_loss`, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `hidden`, `weight` and `bias`. Positions are computed in chunks, and where the
    result is one number the gradients are made of the same chunk of logits. Half types are computed
    in float32.

    References
    ----------
    Without the logits: E. Wijmans et al., "Cut your losses in large-vocabulary language models",
    *ICLR*, 2025, section 4.

    Soft cap: Gemma Team, "Gemma 2: Improving open language models at a practical size", 2024,
    arXiv:2408.00118, section 2. z-loss: A. Chowdhery et al., "PaLM: Scaling language modeling with
    pathways", *JMLR* 24(240), 2023, section 5.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> hidden, weight = np.asarray([[1.0, 2.0]]), np.asarray([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    >>> float(xlosses.linear_cross_entropy(hidden, weight, np.asarray([0])).round(6))
    0.407606
    >>> float(xlosses.cross_entropy(hidden @ weight.T, np.asarray([0]), reduction="mean").round(6))
    0.407606
    """
    reduction_name(reduction)
    classes = checked_shapes(hidden, weight, bias=bias, class_weights=class_weights)
    parameters = dict(
        smoothing=fraction(label_smoothing=label_smoothing),
        cap=None if softcap is None else positive(softcap=softcap),
        z=nonnegative(z_loss=z_loss),
    )
    used = {name: x for name, x in parameters.items() if x is not None and not (is_number(x) and x == 0)}
    arrays = dict(hidden=hidden, weight=weight, targets=targets, bias=bias, class_weights=class_weights)
    return evaluate(
        cross_entropy_of_products,
        arrays,
        used,
        reduction,
        weights,
        where,
        dtype,
        ignore_index=ignore_index,
        classes=classes,
    )


def checked_shapes(hidden: Any, weight: Any, **others: Any) -> int | None:
    """How many classes there are, if all shapes fit; None for what is no array, which evaluate refuses."""
    if not (hasattr(hidden, "shape") and hasattr(weight, "shape")):
        return None
    classes, features = shape_is(("C", "D"), weight=weight)
    if tuple(hidden.shape[-1:]) != (features,):
        raise ValueError(
            f"hidden must have as many entries along its last axis as weight of shape {(classes, features)}, "
            f"got {tuple(hidden.shape)}"
        )
    for name, x in others.items():
        shape_is((classes,), **{name: x})
    return classes


@declared(
    *("rows", "shared", "labels", "shared", "classes"), width=lambda h, w, *_: w[0], shares_softmax=True
)
def cross_entropy_of_products(
    xp: Any, h: Array, w: Array, label: Array, b: Array | None, c: Array | None, **options: Number
) -> Any:
    x = capped(xp, logits(xp, h, w, b), options.get("cap"))
    largest, rest = xp.log_sum_exp(x)
    kept, even = shares(xp, w, label, c, options)
    return loss_of_logits(xp, x, label, largest, rest, kept, even, options)


@cross_entropy_of_products.vjp(by=("h", "w", "b"))
def cross_entropy_of_products_vjp(
    xp: Any, g: Array, h: Array, w: Array, label: Array, b: Array | None, c: Array | None, **options: Number
) -> Iterator[Any]:
    uncapped, cap = logits(xp, h, w, b), options.get("cap")
    x = capped(xp, uncapped, cap)
    largest, rest = xp.log_sum_exp(x)
    kept, even = shares(xp, w, label, c, options)
    yield loss_of_logits(xp, x, label, largest, rest, kept, even, options)
    slope = slope_by_logits(xp, x, label, largest + rest, kept, even, options)
    slope = slope if cap is None else slope * slope_of_cap(xp, uncapped, cap)
    # The factors g are multiplied with a row of features each, and not with all logits.
    yield xp.matmul(slope, w) * g[..., None]
    by_class = transposed(xp, xp.reshape(slope, (-1, w.shape[0])))
    yield xp.matmul(by_class, xp.reshape(h * g[..., None], (-1, w.shape[1])))
    yield xp.matmul(by_class, xp.reshape(g, (-1,)))


@cross_entropy_of_products.weight
def weight_of_label(xp: Any, h: Array, w: Array, label: Array, b: Any, c: Array | None, **_: Any) -> Any:
    return None if c is None else of_class(xp, c, label)


def logits(xp: Any, h: Array, w: Array, b: Array | None) -> Any:
    """The logits before the cap."""
    x = products(xp, h, w)
    return x if b is None else x + per_class(xp, b, x)


def capped(xp: Any, x: Array, cap: Number | None) -> Any:
    return x if cap is None else cap * xp.tanh(x / cap)


def slope_of_cap(xp: Any, x: Array, cap: Number) -> Any:
    """1 - tanh(x / cap)^2, which would lose its digits where the cap acts."""
    small = xp.exp(-2.0 * xp.absolute(x / cap))
    return 4.0 * small / (1.0 + small) ** 2


def shares(xp: Any, w: Array, label: Array, c: Array | None, options: Any) -> tuple[Any, Any]:
    """What the label of each row counts, and what label smoothing gives to each class; None for 1 and 0."""
    kept, smoothing = None if c is None else of_class(xp, c, label), options.get("smoothing")
    if smoothing is None:
        return kept, None
    even = xp.ones_like(w[:, 0]) * (smoothing / w.shape[0])
    return 1.0 - smoothing if kept is None else (1.0 - smoothing) * kept, even if c is None else c * even


def loss_of_logits(
    xp: Any, x: Array, label: Array, largest: Array, rest: Array, kept: Any, even: Any, options: Any
) -> Any:
    """The loss of the label, that of all classes by smoothing, and the square that z-loss adds."""
    loss = rest - (xp.pick(x, label) - largest)
    loss = loss if kept is None else kept * loss
    if even is not None:
        every = rest[..., None] - (x - largest[..., None])
        loss = loss + sum_of_products(xp, per_class(xp, even, x), every)
    return loss + options["z"] * (largest + rest) ** 2 if "z" in options else loss


def slope_by_logits(
    xp: Any, x: Array, label: Array, log_partition: Array, kept: Any, even: Any, options: Any
) -> Any:
    """The derivative of each term by its logits."""
    if kept is None and "z" not in options:
        slope = xp.softmax_less_one(x, label)
    else:
        kept = xp.ones_like(log_partition) * (1.0 if kept is None else kept)
        factor = kept if even is None else kept + xp.sum(even)
        factor = factor + 2.0 * options["z"] * log_partition if "z" in options else factor
        slope = xp.softmax(x) * factor[..., None]
        slope = xp.add_at(slope if even is None else slope - per_class(xp, even, x), label, -kept)
    return slope
