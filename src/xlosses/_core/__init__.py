"""What all losses share: arguments checked and laid out before the formula, its terms reduced after it."""
