"""How fast the losses are, and how much memory they take, against the best that each framework offers."""
