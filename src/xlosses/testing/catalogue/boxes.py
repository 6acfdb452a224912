"""Boxes."""

from __future__ import annotations

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import boxes as references

_BOXES = {"boxes1": "box", "boxes2": "other box"}
_BOTH = ("boxes1", "boxes2")
_OPTIONS: tuple[dict[str, float], ...] = ({}, {"eps": 0.01})

CASES = (
    Case("box_iou_loss", xlosses.box_iou_loss, references.iou, _BOXES, _OPTIONS, _BOTH),
    Case("giou_loss", xlosses.giou_loss, references.giou, _BOXES, _OPTIONS, _BOTH),
    Case("diou_loss", xlosses.diou_loss, references.diou, _BOXES, _OPTIONS, _BOTH),
    Case("ciou_loss", xlosses.ciou_loss, references.ciou, _BOXES, _OPTIONS, _BOTH),
)
