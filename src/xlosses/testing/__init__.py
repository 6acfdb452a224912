"""Check losses on every framework against references: the catalogue, and the tools for your own."""

from xlosses.testing.case import Case, Expected, expected
from xlosses.testing.catalogue import CASES
from xlosses.testing.parity import Comparison, compare
from xlosses.testing.references import Term

__all__ = ["CASES", "Case", "Comparison", "Expected", "Term", "compare", "expected"]
