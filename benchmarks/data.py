"""The arrays: float32 and labels, drawn at random in realistic ranges, the same in every run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.sizes import LOSSES, Shape

Drawn = Callable[[np.random.Generator, Shape], np.ndarray]


def normal(width: float, middle: float = 0.0) -> Drawn:
    def draw(rng: np.random.Generator, shape: Shape) -> np.ndarray:
        x = rng.standard_normal(shape, dtype=np.float32)
        x *= np.float32(width)
        x += np.float32(middle)
        return x

    return draw


def variances(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    x = normal(0.5)(rng, shape)
    return np.exp(x, out=x)


def probabilities(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return 0.001 + 0.998 * rng.random(shape, dtype=np.float32)


def bits(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.integers(0, 2, shape).astype(np.float32)


def counts(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.poisson(2.0, shape).astype(np.float32)


def sides(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return 2 * bits(rng, shape) - 1


def likenesses(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return sides(rng, shape[:1])


def labels(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    rows, classes, *rest = shape
    return rng.integers(0, classes, (rows, *rest))


def hidden(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    rows, features, _ = shape
    return normal(1.0)(rng, (rows, features))


def class_vectors(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    _, features, classes = shape
    return normal(0.05)(rng, (classes, features))


def classes_of_rows(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    rows, _, classes = shape
    return rng.integers(0, classes, rows)


def units(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    x = normal(1.0)(rng, shape)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x


def identities(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return np.arange(shape[0]) // 2


def targets_of_rows(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return normal(0.9)(rng, shape[:1])


def targets_of_vectors(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return normal(0.9)(rng, (shape[0], *shape[2:]))


def log_probabilities(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    x = normal(3.0)(rng, shape)
    x -= x.max(axis=1, keepdims=True)
    x -= np.log(np.exp(x).sum(axis=1, keepdims=True))
    return x


def distributions(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    x = log_probabilities(rng, shape)
    return np.exp(x, out=x)


def cosines(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return 1.8 * rng.random(shape, dtype=np.float32) - 0.9


def boxes(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    low, size = rng.random((2, shape[0], 2), dtype=np.float32)
    return np.concatenate([low, low + size + 0.25], axis=1)


def frames(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    n, length, classes, _ = shape
    return log_probabilities(rng, (n * length, classes)).reshape(n, length, classes)


def labellings(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    n, _, classes, most = shape
    return rng.integers(1, classes, (n, most))


def frame_counts(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.integers(2 * shape[3], shape[1] + 1, shape[0])


def label_counts(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.integers(1, shape[3] + 1, shape[0])


KINDS: Mapping[str, Drawn] = {
    "prediction": normal(1.2),  # errors of standard deviation 1.5
    "target": normal(0.9),
    "target of rows": targets_of_rows,
    "target of vectors": targets_of_vectors,
    "variance": variances,
    "count": counts,
    "probability": probabilities,
    "yes or no": bits,
    "score": normal(1.5),
    "side": sides,
    "likeness": likenesses,
    "logits": normal(3.0),
    "labels": labels,
    "distribution": distributions,
    "log probabilities": log_probabilities,
    "cosine": cosines,
    "box": boxes,
    "frames": frames,
    "labelling": labellings,
    "frame counts": frame_counts,
    "label counts": label_counts,
    "hidden": hidden,
    "class vectors": class_vectors,
    "classes of rows": classes_of_rows,
    "unit vector": units,
    "identity": identities,
    "vector": normal(1.0, 0.5),  # not centred: the mean cosine would be 0 and hard to compare
}


def drawn(loss: str, size: str) -> list[np.ndarray]:
    """The arrays of this loss in this size."""
    described = LOSSES[loss]
    rng = np.random.default_rng(0)
    return [KINDS[kind](rng, described.shapes[size]) for kind in described.arrays]
