"""Sequences that are labelled without saying when."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import Point, log_softmax, normal


def sequences(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    spreads = (1e-3, 0.5, 1.0, 2.0, 5.0, 15.0, 50.0)
    sizes = [((3, 2, 3), spreads), ((6, 3, 4), spreads)]
    if f.bits > 20 and not options:
        sizes.append(((30, 9, 4), (0.5, 5.0)))
    for (frames, labels, classes), some in sizes:
        for spread in some:
            y = [rng.randrange(1, classes) for _ in range(labels)]
            x = [log_softmax(rng, classes, spread) for _ in range(frames)]
            for count, length in ((frames, labels), (frames, 0), (frames - 1, labels // 2), (0, 0)):
                yield x, y, count, length
            yield [[normal(rng, 0, spread) for _ in row] for row in x], y, frames, labels
        yield x, [1] * labels, 2 * labels - 1 if 2 * labels - 1 <= frames else frames, labels
        yield [[-math.inf, *row[1:]] for row in x], y, frames, labels
        yield [[-60.0, *row[1:]] for row in x], y, frames, labels
        yield [[0.0, *[-60.0] * (classes - 1)] for row in x], y, frames, labels
        yield x, y, 0, labels


MAKERS = {"ctc_loss (batch first)": sequences}
