"""Every loss by its definition in mpmath: no shift, no clip, no formula of the library.

A definition takes the entries of one term as exact numbers (a number each, a list for a row) and
the options of the loss. Beside value and partial derivatives it says what their errors are
measured against: the largest term that has to be added, where that is not the result itself.
Partial derivatives at kinks are those of the contract; NaN stands for what it leaves open.
"""

from __future__ import annotations

from mpmath import mp

from definitions import (
    batch_statistics,
    boxes,
    classification,
    contrastive,
    counts,
    divergence,
    embedding,
    focal,
    likelihood,
    listwise,
    margin,
    mining,
    multiclass,
    regression,
    scoring,
    segmentation,
    sequence,
)
from definitions.common import Term

__all__ = ["DEFINITIONS", "PRIMITIVES", "Term"]

_FAMILIES = (
    regression,
    likelihood,
    counts,
    classification,
    divergence,
    margin,
    multiclass,
    embedding,
    listwise,
    scoring,
    segmentation,
    sequence,
    contrastive,
    mining,
    focal,
    boxes,
    batch_statistics,
)

DEFINITIONS = {name: definition for family in _FAMILIES for name, definition in family.DEFINITIONS.items()}

# What the losses are made of, measured as well: a row over its target names what is to blame.
PRIMITIVES = {
    "exp": mp.exp,
    "log": mp.log,
    "log1p": mp.log1p,
    "sinh": mp.sinh,
    "tanh": mp.tanh,
    "sqrt": mp.sqrt,
    "x^3": lambda x: x**3,
    "x^(1/3)": lambda x: x ** (mp.mpf(1) / 3),
    "number / array": lambda x: mp.mpf(2) ** -20 / x,
    "rows / column": lambda x: x / x,
    "log_gamma": mp.loggamma,
    "log_factorial": lambda x: mp.loggamma(1 + x),
    "digamma": mp.digamma,
    "less_log1p": lambda x: x - mp.log1p(x),
    "less_expm1": lambda x: mp.expm1(x) - x,
    "gradient of x / y": lambda x: -1 / x,  # by y, where y is x
    "gradient of where": lambda x: 0 * x,  # of the branch that is not taken
}
