"""What the arrays of a loss hold: drawn at random, or taken from real data that ships with scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

CLASSES = 4


@dataclass(frozen=True)
class Kind:
    """One kind of array: how to draw an entry, and whether an entry is a row."""

    draw: Callable[[Random], Any]
    row: bool = False
    dtype: str = ""  # of its own; otherwise the floating dtype of the call
    shared: bool = False  # whether all terms share the array, which is drawn once
    free: bool = (
        False  # of integers: whether any is right, as names are that are compared and never picked by
    )


def kind_of(name: str) -> Kind:
    """What an array of this kind holds; a kind of your own is a new key of `KINDS`."""
    if name not in KINDS:
        known = ", ".join(map(repr, KINDS))
        raise ValueError(f"unknown kind of data {name!r}; known are {known}; add yours to testing.KINDS")
    return KINDS[name]


def _row(entry: Callable[[Random], float]) -> Callable[[Random], list[float]]:
    return lambda rng: [entry(rng) for _ in range(CLASSES)]


def _log_softmax(row: list[float]) -> list[float]:
    top = max(row)
    log_sum = top + math.log(sum(math.exp(x - top) for x in row))
    return [x - log_sum for x in row]


def _distribution(rng: Random) -> list[float]:
    return [math.exp(x) for x in _log_softmax(_row(_normal)(rng))]


def _normal(rng: Random) -> float:
    return rng.gauss(0.0, 2.0)


def _short(rng: Random) -> float:
    return rng.gauss(0.0, 0.4)


def _frames(rng: Random) -> list[list[float]]:
    """Log probabilities of the classes in each of five frames."""
    return [_log_softmax(_row(_normal)(rng)) for _ in range(5)]


def _rows(rng: Random) -> list[list[float]]:
    """Six, whose columns have standard deviations on both sides of 1."""
    return [[rng.gauss(0.0, 0.5 + 0.5 * k) for k in range(CLASSES)] for _ in range(6)]


def _box(rng: Random) -> list[float]:
    """Left, top, right, bottom."""
    x, y = rng.uniform(0.0, 2.0), rng.uniform(0.0, 2.0)
    return [x, y, x + rng.uniform(0.5, 2.0), y + rng.uniform(0.5, 2.0)]


KINDS: dict[str, Kind] = {
    "prediction": Kind(_normal),
    "target": Kind(_normal),
    "variance": Kind(lambda rng: math.exp(rng.gauss(0.0, 1.0))),
    "rate": Kind(lambda rng: math.exp(rng.gauss(0.5, 1.0))),
    "other rate": Kind(lambda rng: math.exp(rng.gauss(0.5, 1.0))),
    "spread": Kind(lambda rng: math.exp(rng.gauss(0.0, 1.0))),
    "mean": Kind(lambda rng: math.exp(rng.gauss(0.5, 1.0))),
    "count": Kind(lambda rng: float(rng.choice([0, 0, 1, 1, 2, 3, 4, 6, 9, 14]))),
    "amount": Kind(lambda rng: math.exp(rng.gauss(0.5, 1.0))),
    "dispersion": Kind(lambda rng: math.exp(rng.gauss(1.5, 1.5))),
    "logit": Kind(_normal),
    "probability": Kind(lambda rng: rng.uniform(0.02, 0.98)),
    "chance": Kind(lambda rng: rng.random()),
    "side": Kind(lambda rng: rng.choice([-1.0, 1.0])),
    "score": Kind(_normal),
    "rival score": Kind(_normal),
    "logits": Kind(_row(_normal), row=True),
    "labels": Kind(lambda rng: rng.randrange(CLASSES), dtype="int32"),
    "other logits": Kind(_row(_normal), row=True),
    "tags": Kind(_row(lambda rng: rng.choice([0.0, 1.0])), row=True),
    "relevances": Kind(_row(lambda rng: float(rng.randrange(3))), row=True),
    "level": Kind(lambda rng: rng.randrange(CLASSES + 1), dtype="int32"),
    "distribution": Kind(_distribution, row=True),
    "target distribution": Kind(_distribution, row=True),
    "log probabilities": Kind(lambda rng: _log_softmax(_row(_normal)(rng)), row=True),
    "target log probabilities": Kind(lambda rng: _log_softmax(_row(_normal)(rng)), row=True),
    "vector": Kind(_row(_normal), row=True),
    "near vector": Kind(_row(_normal), row=True),
    "far vector": Kind(_row(_normal), row=True),
    "class vectors": Kind(lambda rng: [_row(_normal)(rng) for _ in range(CLASSES)], shared=True),
    "class biases": Kind(_row(_normal), shared=True),
    "other vector": Kind(_row(_normal), row=True),
    "quantiles": Kind(_row(_normal), row=True),
    "ensemble": Kind(_row(_normal), row=True),
    "vector ensemble": Kind(lambda rng: [_row(_normal)(rng) for _ in range(3)], row=True),
    "outcome": Kind(_row(_normal), row=True),
    "mixture logits": Kind(_row(_normal), row=True),
    "component means": Kind(_row(_normal), row=True),
    "log scales": Kind(_row(_short), row=True),
    "log hazards": Kind(_row(_normal), row=True),
    "times": Kind(_row(lambda rng: float(rng.randrange(1, 5))), row=True),
    "events": Kind(_row(lambda rng: rng.choice([0.0, 1.0])), row=True),
    "levels": Kind(lambda rng: [rng.uniform(0.02, 0.98) for _ in range(CLASSES)], shared=True),
    "membership": Kind(_row(lambda rng: rng.uniform(0.02, 0.98)), row=True),
    "members": Kind(_row(lambda rng: rng.choice([0.0, 1.0])), row=True),
    "cosines": Kind(_row(lambda rng: rng.uniform(-0.95, 0.95)), row=True),
    "box": Kind(_box, row=True),
    "other box": Kind(_box, row=True),
    "kept": Kind(_row(lambda rng: rng.random() < 0.75), row=True, dtype="bool"),
    "frames": Kind(_frames, row=True),
    "labelling": Kind(lambda rng: [rng.randrange(1, CLASSES) for _ in range(3)], row=True, dtype="int32"),
    "frame count": Kind(lambda rng: rng.randrange(3, 6), dtype="int32"),
    "label count": Kind(lambda rng: rng.randrange(3), dtype="int32"),
    "likeness": Kind(lambda rng: rng.choice([-1.0, 1.0])),
    "query": Kind(_row(_short), row=True),
    "key": Kind(_row(_short), row=True),
    "negatives": Kind(lambda rng: [_row(_short)(rng) for _ in range(3)], shared=True),
    "own negatives": Kind(lambda rng: [_row(_short)(rng) for _ in range(3)], row=True),
    "batch": Kind(_rows, row=True),
    "other batch": Kind(_rows, row=True),
    "kept rows": Kind(lambda rng: [rng.random() < 0.75 or k < 2 for k in range(6)], row=True, dtype="bool"),
    "embedding": Kind(_row(_short), row=True),
    "identity": Kind(lambda rng: rng.randrange(3), dtype="int32", free=True),
    "temperature": Kind(lambda rng: rng.uniform(0.2, 0.6), shared=True),
    "scale": Kind(lambda rng: rng.uniform(2.0, 6.0), shared=True),
    "bias": Kind(lambda rng: rng.uniform(-3.0, -1.0), shared=True),
}


def drawn(arrays: Mapping[str, str], n: int, seed: int = 0) -> dict[str, list[Any]]:
    """n random entries for each array, and those that all terms share; the same for the same seed."""
    rng = Random(seed)
    kinds = {name: kind_of(kind) for name, kind in arrays.items()}
    return {
        name: kind.draw(rng) if kind.shared else [kind.draw(rng) for _ in range(n)]
        for name, kind in kinds.items()
    }


def real(arrays: Mapping[str, str]) -> dict[str, Any]:
    """Entries for each array from scikit-learn's diabetes, breast cancer or digits."""
    for source in (_diabetes, _breast_cancer, _ranked_digits, _digits, _few_digits):
        table = source()
        if all(kind in table for kind in arrays.values()):
            return {name: table[kind] for name, kind in arrays.items()}
    raise ValueError(f"no data set holds all of {', '.join(arrays.values())}")


@cache
def _diabetes() -> dict[str, list[Any]]:
    """442 patients: disease progression, and what the body mass index alone predicts of it."""
    from sklearn.datasets import load_diabetes

    features, progression = load_diabetes(return_X_y=True)
    body_mass, pressure = (_standard(features[:, k]) for k in (2, 3))
    return {
        "prediction": (0.6 * body_mass).tolist(),
        "target": _standard(progression).tolist(),
        "variance": (0.1 + pressure**2).tolist(),
        "rate": [math.exp(x) for x in (0.6 * body_mass).tolist()],
        "other rate": [math.exp(x) for x in _standard(progression).tolist()],
        "spread": (0.5 + pressure**2).tolist(),
        "mean": [math.exp(x) for x in (0.6 * body_mass).tolist()],
        "count": (progression // 100).tolist(),
        "amount": [math.exp(x) for x in _standard(progression).tolist()],
        "dispersion": (2.0 + pressure**2).tolist(),
        "quantiles": [[x - 1.0, x, x + 1.0] for x in (0.6 * body_mass).tolist()],
        "ensemble": [[x - 1.0, x - 0.3, x, x + 1.2] for x in (0.6 * body_mass).tolist()],
        "levels": [0.1, 0.5, 0.9],
        "mixture logits": [[x, 0.5, -x] for x in pressure.tolist()],
        "component means": [[x - 1.0, x, x + 1.0] for x in (0.6 * body_mass).tolist()],
        "log scales": [[-0.5, 0.0, 0.1 * x] for x in pressure.tolist()],
        "log hazards": (-body_mass).reshape(34, 13).tolist(),
        "times": progression.clip(max=250.0).reshape(34, 13).tolist(),
        "events": (progression < 250.0).astype(float).reshape(34, 13).tolist(),
    }


@cache
def _breast_cancer() -> dict[str, list[Any]]:
    """569 tumours: benign or malignant, and a score from their radius and texture."""
    from sklearn.datasets import load_breast_cancer

    features, benign = load_breast_cancer(return_X_y=True)
    radius, texture = (_standard(features[:, k]) for k in (0, 1))
    score = -3.0 * radius - texture
    return {
        "logit": score.tolist(),
        "probability": [1.0 / (1.0 + math.exp(-x)) for x in score.tolist()],
        "chance": benign.astype(float).tolist(),
        "variance": (0.5 + texture**2).tolist(),
        "side": (2.0 * benign - 1.0).tolist(),
        "score": score.tolist(),
        "rival score": texture.tolist(),
    }


@cache
def _digits() -> dict[str, list[Any]]:
    """1797 handwritten digits: pixels, classes, and logits from the distance to each class's mean."""
    from sklearn.datasets import load_digits

    images, classes = load_digits(return_X_y=True)
    images = images / 16.0
    means = [images[classes == k].mean(axis=0) for k in range(10)]
    logits = [[-float(((image - mean) ** 2).sum()) for mean in means] for image in images]
    other = logits[1:] + logits[:1]
    pixels, n = images.tolist(), len(classes)
    alike = [next(j % n for j in range(i + 1, i + n) if classes[j % n] == classes[i]) for i in range(n)]
    unlike = [next(j % n for j in range(i + 1, i + n) if classes[j % n] != classes[i]) for i in range(n)]
    mixed = [(alike, unlike)[i % 2][i] for i in range(n)]
    return {
        "logits": logits,
        # In 1024ths: 1 less such a number is exact, so that errors which are equal are so in float32, too.
        "membership": [[round(1024.0 * p) / 1024.0 for p in means[k].tolist()] for k in classes],
        "members": [[float(ink > 0.5) for ink in image] for image in pixels],
        "kept": [[0 < k % 8 < 7 for k in range(64)]] * n,  # not the margins
        "labels": classes.tolist(),
        "cosines": _cosines(images, means),
        "vector ensemble": [[pixels[j], pixels[(j + 1) % n], pixels[(j + 2) % n]] for j in alike],
        "outcome": pixels,
        "box": [_around(image) for image in images],
        "other box": [_around(images[j]) for j in alike],
        "level": classes.tolist(),
        "other logits": other,
        "tags": [[float((k - label) % 10 < 2) for k in range(10)] for label in classes.tolist()],
        "relevances": [[float(max(0, 2 - abs(k - label))) for k in range(10)] for label in classes.tolist()],
        "target distribution": [[math.exp(x) for x in _log_softmax(row)] for row in logits],
        "distribution": [[math.exp(x) for x in _log_softmax(row)] for row in other],
        "log probabilities": [_log_softmax(row) for row in logits],
        "target log probabilities": [_log_softmax(row) for row in other],
        "vector": pixels,
        "near vector": [pixels[j] for j in alike],
        "far vector": [pixels[j] for j in unlike],
        "class vectors": [(2.0 * mean).tolist() for mean in means],
        "class biases": [-float(mean @ mean) for mean in means],  # the logits above, but for a constant
        "other vector": [pixels[j] for j in mixed],
        "frames": [[_log_softmax(logits[j % n]) for j in range(i, i + 4)] for i in range(n)],
        "labelling": [[max(1, classes[j % n].item()) for j in range(i, i + 3)] for i in range(n)],
        "frame count": [3 + i % 2 for i in range(n)],
        "label count": [i % 3 for i in range(n)],
        "likeness": [1.0 if classes[i] == classes[j] else -1.0 for i, j in enumerate(mixed)],
    }


@cache
def _ranked_digits() -> dict[str, list[Any]]:
    """The classes of each digit, as items to be ranked, of which the last does not count."""
    table = _digits()
    kept = [[k < 9 for k in range(10)]] * len(table["labels"])
    return {"kept": kept, **{kind: table[kind] for kind in ("logits", "relevances", "tags")}}


def _cosines(images: Any, means: list[Any]) -> list[list[float]]:
    """Of each image with the mean of each class."""
    units = [mean / (mean @ mean) ** 0.5 for mean in means]
    return [[float(image @ unit) / float(image @ image) ** 0.5 for unit in units] for image in images]


def _around(image: Any) -> list[float]:
    """Left, top, right, bottom of the ink of an image."""
    dark = [divmod(k, 8) for k, ink in enumerate(image.tolist()) if ink > 0.5]
    rows, columns = [i for i, _ in dark], [j for _, j in dark]
    return [float(x) for x in (min(columns), min(rows), max(columns) + 1, max(rows) + 1)]


@cache
def _few_digits() -> dict[str, Any]:
    """60 handwritten digits as unit vectors, each beside the next of its class."""
    from sklearn.datasets import load_digits

    images, classes = load_digits(return_X_y=True)
    images = images - images.mean(axis=0)
    images /= (images**2).sum(axis=1, keepdims=True) ** 0.5
    alike = [next(j for j in range(i + 1, len(classes)) if classes[j] == classes[i]) for i in range(60)]
    return {
        "query": images[:60].tolist(),
        "key": images[alike].tolist(),
        "negatives": images[60:90].tolist(),
        "own negatives": [images[60 + i : 70 + i].tolist() for i in range(60)],
        "batch": [images[k : k + 6].tolist() for k in range(0, 60, 6)],
        "other batch": [images[alike[k : k + 6]].tolist() for k in range(0, 60, 6)],
        "kept rows": [[k != i for k in range(6)] for i in range(10)],
        "embedding": images[:60].tolist(),
        "identity": classes[:60].tolist(),
        "temperature": 0.25,
        "scale": 5.0,
        "bias": -2.0,
    }


def _standard(column: Any) -> Any:
    return (column - column.mean()) / column.std()
