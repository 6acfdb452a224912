"""Class labels as masks: for each class, which entries are its own."""

from __future__ import annotations

from typing import Any

from xlosses._backends import FLOATING, Namespace
from xlosses._core import labels, shapes
from xlosses._core.checks import axes_of, is_number, ndim
from xlosses._core.plan import check_boolean, one_framework, own_array


def of_labels(
    inputs: Any,
    targets: Any,
    kept: Any,
    where: Any,
    axis: int | tuple[int, ...],
    class_axis: int | None,
    ignore_index: int | None,
) -> tuple[Any, Any]:
    """(targets, kept) of a loss over sets, with masks in place of labels, which lack the axis of the classes.

    Entries with the ignored label are not kept. A label out of range raises, or is NaN in all masks. Targets
    that are no labels come back as they are.
    """
    n = ndim(inputs)
    along = axes_of(n, class_axis)[0] if class_axis is not None and n else None
    if along is None or is_number(targets) or ndim(targets) != n - 1:
        if ignore_index is not None:
            raise ValueError(
                f"ignore_index={ignore_index} needs class_axis, and class labels as targets: integers in the "
                "shape of inputs without that axis"
            )
        return targets, kept
    given = {"inputs": inputs, "targets": targets, "kept": kept, "where": where}
    xp, _ = one_framework({k: x for k, x in given.items() if x is not None})
    own = own_array(xp, given.values())
    xp = xp.for_this_call()
    named, kept, where = (
        x if x is None or is_number(x) else xp.adopt(x, own) for x in (targets, kept, where)
    )
    _check(xp, inputs, named, kept, along)
    classes, mask = inputs.shape[along], _counted(xp, inputs, kept, where, axes_of(n, axis), along)
    in_range = labels.check(xp, "targets", named, classes, mask, ignore_index)
    named, counted, bad = labels.safe(xp, named, classes, None, ignore_index, in_range)
    numbers = xp.reshape(xp.indices(classes, named), (-1, *(1 for _ in range(n - 1 - along))))
    found = xp.expand_dims(named, axis=along) == numbers
    if bad is not None:
        found = xp.where(xp.expand_dims(bad, axis=along), float("nan"), _floating(xp, found, inputs))
    if counted is not None:
        counted = xp.logical_and(xp.expand_dims(counted, axis=along), numbers >= 0)
        kept = counted if kept is None else xp.logical_and(kept, counted)
    return found, kept


def check_lists(scores: Any, targets: Any, where: Any, axis: int) -> None:
    """Raise for lists of labels, which end at the first number below 0, of which one is no class."""
    n = ndim(scores)
    given = {"scores": scores, "targets": targets, "where": where}
    xp, _ = one_framework({k: x for k, x in given.items() if x is not None})
    labels.check_dtype(xp, "targets", targets, "labels")
    if is_number(targets) or tuple(targets.shape) != tuple(scores.shape):
        return  # `evaluate` says what is wrong
    own = own_array(xp, given.values())
    lists, where = (x if x is None or is_number(x) else xp.adopt(x, own) for x in (targets, where))
    along, ends = axes_of(n, axis), xp.ends(lists)
    if ends is None or ends[1] < scores.shape[along[0]]:
        return
    lists = labels.widest(xp, lists)
    ended = xp.cumulative_sum(xp.astype(lists < 0, lists.dtype), axis=along[0]) > 0
    mask = _counted(xp, scores, None, where, along, None)
    labels.check(xp, "targets", xp.where(ended, 0, lists), scores.shape[along[0]], mask, None)


def _check(xp: Namespace, inputs: Any, named: Any, kept: Any, along: int) -> None:
    shape = tuple(inputs.shape)
    expected = {"targets": (*shape[:along], *shape[along + 1 :]), "kept": shape}
    given = {"inputs": shape, "targets": tuple(named.shape)}
    labels.check_dtype(xp, "targets", named, "labels")
    if kept is not None:
        check_boolean(xp, "kept", kept)
        given["kept"] = tuple(kept.shape)
    shapes.check_equal(given, {k: shape for k, shape in expected.items() if k in given}, "inputs")


def _counted(
    xp: Namespace, inputs: Any, kept: Any, where: Any, axes: tuple[int, ...], along: int | None
) -> Any:
    """Which labels belong to an entry of a set that is kept; None for all."""
    mask = None if kept is None or along is None else xp.any(kept, axis=along)
    if where is None or where is True:
        return mask
    if where is False:
        return xp.array(False, inputs, xp.dtype_named("bool", inputs))
    if len(where.shape) == len(inputs.shape) - len(axes) > 0:  # `evaluate` refuses other shapes
        for axis in sorted(axes):
            where = xp.expand_dims(where, axis=axis)
        where = where if along is None else xp.any(where, axis=along)
    elif where.shape != ():
        return mask
    return where if mask is None else xp.logical_and(mask, where)


def _floating(xp: Namespace, x: Any, like: Any) -> Any:
    """x in the dtype of another array, or in the default one where that has no floating dtype."""
    name = xp.dtype_name(like.dtype)
    return xp.astype(x, xp.dtype_named(name if name in FLOATING else xp.default_float(), like))
