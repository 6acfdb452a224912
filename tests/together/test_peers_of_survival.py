"""Partial likelihoods beside running sums over the sorted cohort, as other libraries take them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import xlosses

rng = np.random.default_rng(4)
X, TIMES = rng.normal(size=40) * 2, rng.permutation(40).astype(float)
EVENTS = (rng.random(40) < 0.6).astype(float)


def running(x, times, events):
    """Without ties: who comes later is at risk."""
    order = torch.argsort(times, descending=True)
    x, events = x[order], events[order]
    return ((torch.logcumsumexp(x, 0) - x) * events).sum()


def both(x, times, events):
    found = []
    for loss in (xlosses.cox_ph_loss, running):
        leaf = torch.tensor(x, requires_grad=True)
        value = loss(leaf, torch.tensor(times), torch.tensor(events))
        value.backward()
        found.append((value.detach(), leaf.grad))
    return found


def test_running_sums():
    for found, wanted in zip(*both(X, TIMES, EVENTS), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-13)


def test_running_sums_leave_out_some_of_a_tie():
    (ours, _), (theirs, _) = both(X, TIMES // 4, np.ones(40))
    assert ours > theirs + 1


def test_a_shift_of_all_log_hazards_drops_out():
    wanted = xlosses.cox_ph_loss(X, TIMES, EVENTS)
    assert xlosses.cox_ph_loss(X + 64.0, TIMES, EVENTS) == pytest.approx(wanted, rel=1e-13)


def test_the_product_of_probabilities():
    """Who of those at risk it was, event by event."""
    likelihood = 1.0
    for i in np.flatnonzero(EVENTS):
        at_risk = np.exp(X[TIMES >= TIMES[i]])
        likelihood *= np.exp(X[i]) / at_risk.sum()
    assert xlosses.cox_ph_loss(X, TIMES, EVENTS) == pytest.approx(-np.log(likelihood), rel=1e-12)
