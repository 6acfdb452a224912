"""Check losses on every framework against references: the catalogue, and the tools for your own."""

from xlosses.testing.agreement import Agreement
from xlosses.testing.asserting import assert_parity
from xlosses.testing.case import Case, Expected, expected
from xlosses.testing.catalogue import CASES
from xlosses.testing.checks import check_loss, parametrize_with_checks
from xlosses.testing.data import KINDS, Kind
from xlosses.testing.parity import Comparison, compare
from xlosses.testing.references import Term

__all__ = [
    "CASES",
    "KINDS",
    "Agreement",
    "Case",
    "Comparison",
    "Expected",
    "Kind",
    "Term",
    "assert_parity",
    "check_loss",
    "compare",
    "expected",
    "parametrize_with_checks",
]
