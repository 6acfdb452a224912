"""What holds between the results of one loss: reductions, masks, weights, parts, order, layout."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import strategies
from hypothesis import given
from hypothesis import strategies as st
from matrix import every_group, traceable
from scales import OF_SLOPES, OF_SUMS, kept_of, of_frames
from strategies import (
    FINITE,
    LARGEST,
    TIERS,
    TINY,
    Batch,
    batches,
    chosen,
    of_cosines,
    terms_of,
    too_far_apart,
)
from subject import Subject, overflows, scale_of

from xlosses.testing import Case


def extras_of(draw, case: Case, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Weights, a mask and, where there are labels, class weights: all, so that JAX compiles once."""
    found = {"weights": draw(strategies.weights(shape))}
    found["where"] = draw(strategies.entries(np.arange(256) % 4 != 3, math.prod(shape))).reshape(shape)
    if case.loss_name in ("cross_entropy", "nll_loss"):
        found["class_weights"] = draw(strategies.class_weights())
    return found


def own_weights(case: Case, batch: Batch, extras: dict[str, np.ndarray]) -> np.ndarray:
    """What each term counts for in "weighted_mean" beside its weight."""
    if "events" in batch:
        events = batch["events"].astype(np.float64)
        return np.sum(np.where((events >= 0) & (events <= 1), events, np.nan), axis=-1)  # others may cancel
    if case.loss_name == "pairwise_logistic_loss":
        _, y, *kept = batch.values()
        ahead = y[..., None] > y[..., None, :]
        for mask in kept:
            ahead &= mask[..., None] & mask[..., None, :]
        return ahead.sum(axis=(-2, -1)).astype(np.float64)
    if "target_lengths" in batch:
        return batch["target_lengths"].astype(np.float64)
    c = extras.get("class_weights")
    if c is None:
        return np.ones(terms_of(case, batch))
    targets = batch["targets"]
    with np.errstate(all="ignore"):
        return c[targets] if targets.dtype == np.int32 else np.sum(targets * c.astype(np.float64), axis=-1)


@every_group
@given(data=st.data())
def test_reductions_agree(on, cases, data):
    case = data.draw(st.sampled_from(cases))
    subject = Subject(on, case, data.draw(strategies.settings_of(case)))
    batch = data.draw(batches(case))
    shape = terms_of(case, batch)
    plain = shape in ((6,), (0,)) and data.draw(st.booleans())
    extras = {} if plain else extras_of(data.draw, case, shape)
    found = subject.result(batch, **extras)
    assert found.terms.shape == shape
    where = extras.get("where", np.ones(shape, bool))
    assert not np.any(found.terms[~where])
    with np.errstate(all="ignore"):
        counted = (extras.get("weights", 1.0) * own_weights(case, batch, extras))[where]
        total, count, weight = found.terms.sum(), where.sum(), counted.sum()
        scale = scale_of(found.terms)
        if overflows(found.terms):
            return
        subject.assert_close(found.sum, total, scale)
        subject.assert_close(found.mean, total / count if count else 0.0, scale / max(count, 1))
        if weight == 0:
            assert found.weighted_mean == 0 or math.isnan(total)
        elif 1e-30 < weight < LARGEST and scale / weight < 0.99 * LARGEST:
            subject.assert_close(found.weighted_mean, total / weight, abs(scale / weight), times=2)


@every_group
@given(data=st.data(), kept=st.sampled_from([3, 6, 0]))
def test_a_mask_drops_rows(on, cases, data, kept):
    case = data.draw(st.sampled_from(cases))
    subject = Subject(on, case, data.draw(strategies.settings_of(case)))
    batch = data.draw(batches(case, (6,)))
    rows = sorted(data.draw(strategies.permutations(6))[:kept])
    extras = extras_of(data.draw, case, (6,))
    extras["where"] = np.isin(np.arange(6), rows)
    for name, x in batch.items():
        if x.dtype == np.int32:
            hostile = data.draw(strategies.any_labels(x.shape))
            batch[name] = np.where(extras["where"].reshape((6, *(1 for _ in x.shape[1:]))), x, hostile)
    masked = subject.result(batch, **extras)
    fewer = {name: x if name == "class_weights" else x[rows] for name, x in extras.items()}
    dropped = subject.result(chosen(case, batch, rows), **fewer)

    assert not np.any(masked.terms[~extras["where"]])
    assert not np.any(masked.slope[~extras["where"]])
    natural = np.abs(dropped.terms)
    subject.assert_close(masked.terms[rows], dropped.terms, natural)
    subject.assert_close(masked.slope[rows], dropped.slope, np.abs(dropped.slope))
    if not overflows(dropped.terms):
        scale = scale_of(dropped.terms)
        subject.assert_close(masked.sum, dropped.sum, scale)
        subject.assert_close(masked.mean, dropped.mean, scale / max(kept, 1))
        with np.errstate(all="ignore"):
            weight = np.sum(extras["weights"][rows] * own_weights(case, chosen(case, batch, rows), fewer))
        if weight == 0 or abs(weight) >= 1e-30:
            subject.assert_close(masked.weighted_mean, dropped.weighted_mean, scale / abs(weight or 1.0))
    for name, gradient in masked.gradients.items():
        assert case.is_shared(name) or not np.any(gradient[~extras["where"]])


@every_group
@given(data=st.data(), extra=st.lists(st.sampled_from([0, 1, 2]), min_size=3, max_size=3))
def test_a_weight_is_a_multiplicity(on, cases, data, extra):
    case = data.draw(st.sampled_from(cases))
    subject = Subject(on, case, data.draw(strategies.settings_of(case)))
    batch = data.draw(batches(case, (3,)))
    rows = sorted([0, 1, 2, *extra])
    extras = extras_of(data.draw, case, (3,))
    extras.update(weights=np.bincount(rows, minlength=3).astype(np.float32), where=np.ones(3, bool))
    weighted = subject.result(batch, **extras)
    extras.update(weights=np.ones(6, np.float32), where=np.ones(6, bool))
    repeated = subject.result(chosen(case, batch, rows), **extras)
    if overflows(repeated.terms):
        return
    subject.assert_close(weighted.sum, repeated.sum, scale_of(repeated.terms))
    with np.errstate(all="ignore"):
        weight = np.sum(own_weights(case, chosen(case, batch, rows), extras))
        if weight == 0 or abs(weight) >= 1e-30:
            scale = scale_of(repeated.terms) / abs(weight or 1.0)
            subject.assert_close(weighted.weighted_mean, repeated.weighted_mean, scale)


def unit_of_frames(case: Case, batch: Batch) -> Any:
    """Of CTC's sequences, whose frames are one array each: PyTorch's exp may round the last entry otherwise.

    An error of a logarithm is a relative one of the probabilities that make the slope.
    """
    with np.errstate(all="ignore"):
        return of_frames(next(iter(batch.values())), None) if case.loss_name == "ctc_loss" else np.zeros(1)


@every_group
@given(data=st.data())
def test_parts_of_a_batch_add_up(on, cases, data):
    case = data.draw(st.sampled_from(cases))
    subject = Subject(on, case, data.draw(strategies.settings_of(case)))
    batch = data.draw(batches(case, (6,)))
    extras = extras_of(data.draw, case, (6,))
    whole = subject.result(batch, **extras)
    parts = [
        subject.result(
            chosen(case, batch, rows),
            **{k: x if k == "class_weights" else x[rows] for k, x in extras.items()},
        )
        for rows in ([0, 1, 2], [3, 4, 5])
    ]
    size = unit_of_frames(case, batch)
    terms = np.concatenate([part.terms for part in parts])
    subject.assert_close(whole.terms, terms, np.abs(terms) + size)
    slopes = np.concatenate([part.slope for part in parts])
    subject.assert_close(whole.slope, slopes, np.abs(slopes) + np.reshape(size, (-1, 1, 1)[: slopes.ndim]))
    if not overflows(terms):
        subject.assert_close(whole.sum, parts[0].sum + parts[1].sum, scale_of(terms))


@every_group
@given(data=st.data(), order=strategies.permutations(6))
def test_the_order_of_rows_does_not_matter(on, cases, data, order):
    case = data.draw(st.sampled_from(cases))
    subject = Subject(on, case, data.draw(strategies.settings_of(case)))
    batch = data.draw(batches(case, (6,)))
    extras = extras_of(data.draw, case, (6,))
    straight = subject.result(batch, **extras)
    extras.update(weights=extras["weights"][order], where=extras["where"][order])
    mixed = subject.result(chosen(case, batch, order), **extras)
    if case.loss_name == "ctc_loss":
        size = unit_of_frames(case, batch)[order]
        subject.assert_close(mixed.terms, straight.terms[order], size)
        subject.assert_close(mixed.slope, straight.slope[order], size[:, None, None])
    else:
        np.testing.assert_array_equal(mixed.terms, straight.terms[order])
        np.testing.assert_array_equal(mixed.slope, straight.slope[order])
    if not overflows(straight.terms):
        subject.assert_close(mixed.sum, straight.sum, scale_of(straight.terms))


def unit_of_slope(case: Case, batch: Batch, options: Mapping[str, Any]) -> Any:
    """The size of what a slope is a difference of, where sums go another way, or a factor is rounded."""
    scale = {**OF_SLOPES, **OF_SUMS}.get(case.name) if case.by_rows else None
    with np.errstate(all="ignore"):
        first, second, *_ = (*(x.astype(np.float64) for x in batch.values()), None)
        if scale is not None:
            found = np.abs(scale(first, second, *kept_of(batch), **options))
            return np.where(np.isfinite(found), found, 0.0)
        if case.loss_name == "cross_entropy":  # a probability less the target
            return np.maximum(1.0, np.max(np.abs(second.reshape(6, -1)), axis=-1, keepdims=True))
        if of_cosines(case):  # two unit vectors, divided by the length
            return 1.0 / np.sqrt(np.sum(first * first, axis=-1, keepdims=True))
    return 1.0 if case.loss_name == "triplet_loss" else 0.0  # two unit vectors


@every_group
@given(data=st.data())
def test_a_parameter_may_be_an_array(on, cases, data):
    """The same number as a 0-d array of the framework, which takes the way of a traced one."""
    case = data.draw(st.sampled_from(cases))
    options = data.draw(strategies.settings_of(case))
    numbers = {k: np.asarray(x, np.float32) for k, x in traceable(case, options).items()}
    batch = data.draw(batches(case, (6,)))
    plain = Subject(on, case, options).result(batch)
    rest = Subject(on, case, {k: x for k, x in options.items() if k not in numbers})
    found = rest.result(batch, **numbers)
    if case.loss_name == "general_robust_loss":
        with np.errstate(all="ignore"):  # of errors that are beyond the largest number in units of c
            beyond = too_far_apart(case, batch)
        found.terms[beyond], found.slope[beyond] = plain.terms[beyond], plain.slope[beyond]
    least = 1.0 if of_cosines(case) else 0.0  # a sum that may cancel
    rest.assert_close(found.terms, plain.terms, np.maximum(np.abs(plain.terms), least))
    if options.get("beta") == 0:
        # As an array it is not known to be 0, and is at least the smallest normal number.
        with np.errstate(invalid="ignore"):
            error = np.abs(batch["predictions"].astype(np.float64) - batch["targets"])
        same = ~(error >= TINY)  # of NaN the sign is 0 to PyTorch
        found.slope[same] = plain.slope[same]
    rest.assert_close(found.slope, plain.slope, np.abs(plain.slope) + unit_of_slope(case, batch, options))


def strided(subject, x):
    return subject.array(np.stack([x, x], axis=1))[:, 0, ...]


def transposed(subject, x):
    return subject.on.bench.xp.moveaxis(subject.array(np.moveaxis(x, 0, -1).copy()), -1, 0)


def backwards(subject, x):
    return subject.array(x[::-1].copy())[::-1, ...]


def read_only(subject, x):
    x = x.copy()
    x.flags.writeable = False
    return x


def repeated(subject, x):
    """One row in the place of all: a stride of 0."""
    return subject.on.bench.xp.broadcast_to(subject.array(x[:1].copy()), x.shape)


LAYOUTS = {
    "numpy": (strided, transposed, repeated, backwards, read_only),
    "strict": (strided, transposed, repeated, backwards),
    "torch": (strided, transposed, repeated),  # has neither negative strides nor read-only tensors
    "jax": (strided, transposed, repeated, backwards),
    "mlx": (strided, transposed, repeated, backwards),
}


@every_group
@given(data=st.data())
def test_layout_does_not_matter(on, cases, data):
    case = data.draw(st.sampled_from(cases))
    options = data.draw(strategies.settings_of(case))
    subject = Subject(on, case, options)
    tiers = FINITE if "members" in case.arrays.values() else TIERS  # sums of what is no share cancel
    batch = data.draw(batches(case, (6,), tiers))
    layout = data.draw(st.sampled_from(LAYOUTS[on.name]))
    arrays = {name: layout(subject, x) for name, x in batch.items()}
    before = {name: np.asarray(on.read(x)) for name, x in arrays.items()}
    batch = {name: x.astype(batch[name].dtype) for name, x in before.items()}
    found, plain = subject.result(arrays), subject.result(batch)  # unmasked, since a mask makes new arrays
    subject.assert_close(found.terms, plain.terms, np.abs(plain.terms))
    scale = np.abs(plain.slope) + unit_of_slope(case, batch, options)
    subject.assert_close(found.slope, plain.slope, scale)
    for name, x in arrays.items():
        np.testing.assert_array_equal(np.asarray(on.read(x)), before[name])
