"""Second derivatives as central differences of the references' exact gradients, in double precision."""

from __future__ import annotations

from matrix import flatten

from xlosses.testing import expected

STEP = 1e-5


def second_differences(case, data, options):
    """The Hessian of the mean by the first array, a list for each of its numbers."""
    first = next(iter(case.arrays))
    places = range(len(flatten(data[first])))
    return [differences(case, data, options, first, k, "mean") for k in places]


def diagonal_differences(case, data, options, name, reduction, weights=None, where=None):
    """The diagonal of the Hessian by the array of this name."""
    places = range(len(flatten(data[name])))
    return [differences(case, data, options, name, k, reduction, weights, where)[k] for k in places]


def differences(case, data, options, name, k, reduction, weights=None, where=None):
    """The derivative of the gradient by an array by the k-th number of it."""

    def gradient(step):
        column = moved(data[name], k, step)
        exact = expected(case, {**data, name: column}, options, reduction, weights, where)
        return flatten(exact.gradients[name])

    return [(a - b) / (2 * STEP) for a, b in zip(gradient(STEP), gradient(-STEP), strict=True)]


def moved(column, k, step):
    """The column with its k-th number, counted through the rows, moved by a step."""
    if not isinstance(column[0], list):
        return [x + step * (i == k) for i, x in enumerate(column)]
    width = len(flatten(column[0]))
    return [moved(row, k - i * width, step) for i, row in enumerate(column)]
