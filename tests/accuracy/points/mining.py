"""Where the losses are measured that compare an embedding with its positives and negatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.contrastive import Batch, labelled, rows, units


def of_unit_vectors(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Batch]:
    """Random ones, all nearly the same, pairs of opposite ones, and others; few and many labels."""
    n = len(units(rng))
    for labels in ([k % 2 for k in range(n)], [k // 2 for k in range(n)], list(range(n)), [-7] * n):
        yield units(rng), labels
        near = [
            [float(f"{x + y:.4g}") for x, y in zip([0.6, 0.0, 0.8], row, strict=True)]
            for row in rows(rng, 0.01)
        ]
        yield near, labels
        yield [row if k % 3 else [-x for x in row] for k, row in enumerate(near)], labels
        yield rows(rng, 0.3), labels
        yield [[0.0] * len(near[0])] * n, labels


MAKERS: Mapping[str, Callable[..., Iterator[Batch]]] = {
    "nt_xent_loss": labelled(),
    "nt_xent_loss (trained temperature)": labelled(0.25),
    "circle_loss": of_unit_vectors,
    "hard_triplet_loss": labelled(),
    "multi_similarity_loss": of_unit_vectors,
}
