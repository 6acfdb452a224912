"""What every loss says the same way: from arguments to a formula, and from its terms to the result."""
