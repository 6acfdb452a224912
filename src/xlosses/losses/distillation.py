"""A model that learns from another one's predictions."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import positive
from xlosses._core.formula import formula
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.divergence import kl_divergence, kl_divergence_ordinary


def distillation_loss(
    student_logits: ArrayT,
    teacher_logits: Array | float,
    *,
    temperature: Number = 1.0,
    axis: int = -1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Kullback-Leibler divergence of a student's softmax from a teacher's, both softened by a temperature.

    .. math::
        \ell = T^2 \sum_k q_k \log \frac{q_k}{p_k},
        \qquad p = \operatorname{softmax}(x / T), \quad q = \operatorname{softmax}(z / T)

    Parameters
    ----------
    student_logits : array
        Logits of the model that learns, :math:`x`, with the classes along `axis`.
    teacher_logits : array or number
        Logits of the model that it learns from, :math:`z`, in the shape of `student_logits`.
    temperature : number
        :math:`T > 0`: the higher, the more classes matter that are unlikely.
    axis : int
        The axis of the classes.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per row, become the result.
    weights, where, dtype : optional
        Weight of each row, rows to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `student_logits` without `axis`, in nats.

    Raises
    ------
    ValueError
        `temperature` that is not above 0, unequal shapes, an `axis` out of range or of length 0, or an
        unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`T (p - q)`, of about the same size at every temperature. A class that the teacher
    excludes, by a logit of -inf, adds nothing; one that the student excludes and the teacher does not gives
    inf. For one mixed with the loss of the labels, add `cross_entropy` of the student's logits.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", *NIPS Deep Learning
    Workshop*, 2014, section 2.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, z = np.asarray([[0.0, 0.0]]), np.log(np.asarray([[0.75, 0.25]]))
    >>> xlosses.distillation_loss(x, z, reduction="none").round(6).tolist()
    [0.130812]
    """
    arrays = dict(student_logits=student_logits, teacher_logits=teacher_logits)
    parameters = dict(temperature=positive(temperature=temperature))
    return evaluate(distillation, arrays, parameters, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows")
def distillation(xp: Any, x: Array, z: Array, temperature: Number) -> Any:
    log_p, log_q = xp.log_softmax(x / temperature), xp.log_softmax(z / temperature)
    return temperature * temperature * kl_divergence(xp, log_p, log_q)


@distillation.ordinary
def distillation_ordinary(xp: Any, x: Array, z: Array, temperature: Number) -> Any:
    log_p, log_q = xp.log_softmax(x / temperature), xp.log_softmax(z / temperature)
    return temperature * temperature * kl_divergence_ordinary(xp, log_p, log_q)


@distillation.slope
def distillation_slope(xp: Any, x: Array, z: Array, temperature: Number) -> Any:
    return temperature * (xp.softmax(x / temperature) - xp.softmax(z / temperature))
