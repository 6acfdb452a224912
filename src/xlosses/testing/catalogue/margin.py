"""Margins."""

from __future__ import annotations

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import margin as references

CASES = (Case("hinge_loss", xlosses.hinge_loss, references.hinge, {"inputs": "score", "targets": "side"}),)
