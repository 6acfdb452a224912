"""What holds of losses over classes: shifts, one-hot targets, smoothing, gradients, labels of any kind."""

from __future__ import annotations

import math

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from strategies import EXTREME, FINITE, LARGEST, batches
from subject import Subject

from xlosses.testing import CASES

CROSS_ENTROPIES = [CASES["cross_entropy"], CASES["cross_entropy (probabilities)"]]
BY_LABEL = [CASES["cross_entropy"], CASES["nll_loss"]]

cross_entropies = pytest.mark.parametrize("case", CROSS_ENTROPIES, ids=lambda case: case.name)
by_label = pytest.mark.parametrize("case", BY_LABEL, ids=lambda case: case.name)

EIGHTHS = np.arange(256, dtype=np.float32) * np.where(np.arange(256) % 2, -0.25, 0.25).astype(np.float32)


def total_target(batch, options, class_weights):
    """The sum of a row's targets, smoothed and times their class weights: what its loss is in units of."""
    t, s = batch["targets"], options.get("label_smoothing", 0.0)
    t = np.eye(4)[t] if t.dtype == np.int32 else t.astype(np.float64)
    return np.sum(np.abs(class_weights * ((1 - s) * t + s / 4)), axis=-1)


@cross_entropies
@given(data=st.data(), shift=st.integers(-(2**16), 2**16))
def test_a_shift_without_rounding_changes_no_bit(on, case, data, shift):
    subject = Subject(on, case, data.draw(strategies.settings_of(case)))
    batch = data.draw(batches(case, (6,)))
    batch["logits"] = data.draw(strategies.entries(EIGHTHS, 24)).reshape(6, 4)
    extras = {"class_weights": data.draw(strategies.class_weights())}
    straight = subject.result(batch, **extras)
    shifted = subject.result({**batch, "logits": batch["logits"] + np.float32(shift)}, **extras)
    np.testing.assert_array_equal(shifted.terms, straight.terms)
    np.testing.assert_array_equal(shifted.slope, straight.slope)


@cross_entropies
@given(data=st.data())
def test_a_shift_changes_no_more_than_it_rounds(on, case, data):
    options = data.draw(strategies.settings_of(case))
    subject = Subject(on, case, options)
    batch = data.draw(batches(case, (6,), FINITE))
    x = batch["logits"]
    shift = data.draw(strategies.entries(EXTREME["real"], 6))[:, None]
    with np.errstate(over="ignore"):
        shifted = x + shift
    fits = np.isfinite(shifted).all(axis=-1)
    shifted[~fits] = x[~fits]
    c = data.draw(strategies.class_weights())
    before = subject.result(batch, class_weights=c).terms
    after = subject.result({**batch, "logits": shifted}, class_weights=c).terms
    exact = shifted.astype(np.float64) - np.where(fits[:, None], shift, 0).astype(np.float64)
    moved = 2 * np.max(np.abs(exact - x), axis=-1) * total_target(batch, options, c)
    # What was finite stays so, unless a row's logits were too far apart for their differences.
    assert np.all(
        np.isfinite(after) | ~np.isfinite(before) | (np.ptp(shifted.astype(float), axis=-1) > LARGEST)
    )
    finite = np.isfinite(before) & np.isfinite(after)
    limit = (moved + 4 * subject.tolerance * (np.abs(before) + np.abs(after)) + 1e-6)[finite]
    assert np.all(np.abs(after[finite] - before[finite]) <= limit)


@given(data=st.data())
def test_one_hot_targets_are_labels(on, data):
    labelled, one_hot = CROSS_ENTROPIES
    options = data.draw(strategies.settings_of(labelled))
    batch = data.draw(batches(labelled, (6,), (*FINITE, "wild")))
    extras = {
        "class_weights": data.draw(strategies.class_weights()),
        "weights": data.draw(strategies.weights((6,))),
        "where": np.ones(6, bool),
    }
    wanted = Subject(on, labelled, options).result(batch, **extras)
    batch["targets"] = np.eye(4, dtype=np.float32)[batch["targets"]]
    subject = Subject(on, one_hot, options)
    found = subject.result(batch, **extras)
    subject.assert_close(found.terms, wanted.terms, np.abs(wanted.terms))
    # At the label a probability near 1 and a target of 1 cancel, each times the weights.
    scale = np.max(extras["class_weights"]) * np.abs(extras["weights"])[:, None]
    subject.assert_close(found.slope, wanted.slope, scale)
    subject.assert_close(found.weighted_mean, wanted.weighted_mean, np.abs(wanted.weighted_mean))


@cross_entropies
@given(data=st.data())
def test_smoothing_of_zero_is_none(on, case, data):
    """Also as an array, whose value is not known when the formula is traced."""
    batch = data.draw(batches(case, (6,)))
    subject = Subject(on, case, {})
    plain = subject.result(batch)
    found = subject.result(batch, label_smoothing=np.asarray(0, np.float32))
    subject.assert_close(found.terms, plain.terms, np.abs(plain.terms))
    subject.assert_close(found.slope, plain.slope, np.max(np.abs(plain.slope), axis=-1, keepdims=True))


@cross_entropies
@given(data=st.data())
def test_gradients_of_a_row_sum_to_zero(on, case, data):
    options = data.draw(strategies.settings_of(case))
    subject = Subject(on, case, options)
    batch = data.draw(batches(case, (6,), FINITE))
    impossible = data.draw(strategies.entries(np.arange(256) % 5 == 4, 24)).reshape(6, 4)
    impossible &= ~impossible.all(axis=-1, keepdims=True)
    batch["logits"] = np.where(impossible, np.float32(-math.inf), batch["logits"])
    extras = {"class_weights": data.draw(strategies.class_weights())}
    total = total_target(batch, options, extras["class_weights"])
    found = subject.result(batch, **extras)
    for gradient in (found.slope, found.gradients["logits"]):
        assert np.all(np.abs(gradient.sum(axis=-1)) <= 4 * subject.tolerance * total + 1e-37)


@by_label
@given(data=st.data())
def test_labels_of_the_whole_range(on, case, data):
    """Out of range: an error where the framework looks, and elsewhere NaN in that row alone."""
    subject = Subject(on, case, {"ignore_index": -100})
    batch = data.draw(batches(case, (6,), ("ordinary",)))
    hostile = data.draw(strategies.any_labels((6,)))
    choice = data.draw(strategies.entries(np.arange(256) % 4, 6))
    good = batch["targets"]
    batch["targets"] = np.choose(choice, [good, hostile, np.full(6, -100, np.int32), good])
    where = choice != 3
    batch["targets"][~where] = hostile[~where]
    labels = batch["targets"]
    bad = where & (labels != -100) & ((labels < 0) | (labels >= 4))
    kept = where & (labels != -100)
    if on.looks and bad.any():
        for what in ("terms", "slope", "gradients"):
            with pytest.raises(ValueError, match=rf"in \[0, 4\), got {labels[bad][0]}; exclude rows by"):
                getattr(subject.result(batch, where=where), what)
        return
    found = subject.result(batch, where=where)
    valid = {**batch, "targets": np.where(kept & ~bad, labels, 0)}
    clean = Subject(on, case, {}).result(valid).terms
    subject.assert_close(found.terms, np.where(bad, math.nan, np.where(kept, clean, 0.0)), np.abs(clean))
    for gradient in (found.slope, *found.gradients.values()):
        assert np.isnan(gradient[bad]).all()
        assert np.isfinite(gradient[~bad]).all()
        assert not np.any(gradient[~kept])
