"""The formulas, one file per family."""
