"""What each loss is, by its definition: one term at a time, in Python floats, without any array.

A reference takes the entries of the arrays for one term (a float each, a list for a row) and the
options of the loss. It returns a `Term`: the value, its partial derivatives by the first arrays,
and what the term counts for in "weighted_mean" beside `weights`.
"""

from xlosses.testing.references.common import Term

__all__ = ["Term"]
