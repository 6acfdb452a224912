"""Sequences that are labelled without saying when."""

from __future__ import annotations

from typing import Any

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import sequence as references

_LABELLED = {
    "log_probs": "frames",
    "targets": "labelling",
    "input_lengths": "frame count",
    "target_lengths": "label count",
}


def _ctc(log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, **options: Any) -> Any:
    return xlosses.ctc_loss(log_probs, targets, input_lengths, target_lengths, axis=(-2, -1), **options)


CASES = (Case("ctc_loss (batch first)", _ctc, references.ctc, _LABELLED, ({}, {"zero_infinity": True})),)
