"""Calls of the losses of the Keras dialect, and what Keras makes of them: `python tests/keras_cases.py`.

The stored values and gradients by `y_pred`, of the sum over samples, are those of Keras on PyTorch in
float32; none where its gradient is infinite, NaN or, of `Circle`, another by intention.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")

rng = np.random.default_rng(7)


def some(*shape, low=-2.0, high=2.0):
    return rng.uniform(low, high, shape).astype(np.float32).round(3)


def shares(*shape):
    p = some(*shape, low=0.05, high=1.0)
    return p / p.sum(-1, keepdims=True)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


X, Y = some(4, 5), some(4, 5)
SIGNS, YES, P = np.sign(some(4, 5)), np.float32(some(4, 5) > 0), some(4, 5, low=0.0, high=1.0)
EDGES = np.asarray([[0.0, 1.0, 1e-9, 0.5, 1.0 - 1e-7]] * 4, np.float32)
LABELS = np.asarray([0, 4, 2, 2])
CLASSES = np.eye(5, dtype=np.float32)[LABELS]
SOFT, Q = shares(4, 5), shares(4, 5)
UNIT, OF_UNIT = unit(some(6, 3)), np.asarray([0, 0, 1, 1, 1, 2])
FAR = np.asarray([[40.0, -40.0, 0.0, 3.0, -3.0]] * 4, np.float32)
IMAGES, MASKS = some(2, 3, 4, 2, low=0.0, high=1.0), np.float32(some(2, 3, 4, 2) > 0)
AXES = (1, 2)
SPEECH, WORDS = some(3, 7, 5), np.asarray([[1, 4, 2], [3, 3, 0], [0, 0, 0]])

TABLE = [
    ("MeanSquaredError", {}, Y, X),
    ("MeanSquaredError", {}, Y[:, :1], X[:, 0]),
    ("MeanAbsoluteError", {}, Y, X),
    ("MeanAbsolutePercentageError", {}, Y, X),
    ("MeanSquaredLogarithmicError", {}, Y, X),
    ("MeanSquaredLogarithmicError", {}, abs(Y), abs(X)),
    ("LogCosh", {}, Y, X),
    ("Huber", {}, Y, X),
    ("Huber", {"delta": 0.4}, Y, X),
    ("CosineSimilarity", {}, Y, X),
    ("CosineSimilarity", {"axis": 0}, Y, X),
    ("CosineSimilarity", {}, Y, np.float32(1e-9) * X),
    ("Hinge", {}, SIGNS, X),
    ("Hinge", {}, YES, X),
    ("SquaredHinge", {}, SIGNS, X),
    ("SquaredHinge", {}, YES, X),
    ("CategoricalHinge", {}, CLASSES, X),
    ("CategoricalHinge", {}, CLASSES, -abs(X)),
    ("KLDivergence", {}, SOFT, Q),
    ("KLDivergence", {}, CLASSES, EDGES),
    ("Poisson", {}, np.round(abs(Y)), abs(X)),
    ("BinaryCrossentropy", {}, YES, P),
    ("BinaryCrossentropy", {}, YES, EDGES),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, YES, P),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, YES, FAR),
    ("BinaryCrossentropy", {"axis": 1}, MASKS, IMAGES),
    ("BinaryFocalCrossentropy", {}, YES, P),
    ("BinaryFocalCrossentropy", {"gamma": 1.5, "label_smoothing": 0.1}, YES, EDGES),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.7}, YES, P),
    ("BinaryFocalCrossentropy", {"from_logits": True}, YES, FAR),
    ("BinaryFocalCrossentropy", {"from_logits": True}, YES, X),
    ("CategoricalCrossentropy", {}, CLASSES, P),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, CLASSES, EDGES),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, SOFT, FAR),
    ("CategoricalCrossentropy", {"axis": 1}, MASKS, IMAGES),
    ("CategoricalFocalCrossentropy", {}, CLASSES, P),
    ("CategoricalFocalCrossentropy", {"alpha": 0.7, "gamma": 1.5, "label_smoothing": 0.1}, CLASSES, EDGES),
    ("CategoricalFocalCrossentropy", {"from_logits": True}, SOFT, FAR),
    ("CategoricalFocalCrossentropy", {"from_logits": True}, SOFT, X),
    ("SparseCategoricalCrossentropy", {}, LABELS, P),
    ("SparseCategoricalCrossentropy", {}, LABELS[:, None].astype(np.float32), EDGES),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS.astype(np.float32), FAR),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, LABELS, P),
    (
        "SparseCategoricalCrossentropy",
        {"ignore_class": -1, "from_logits": True},
        LABELS - (LABELS == 2) * 3,
        X,
    ),
    ("SparseCategoricalCrossentropy", {"axis": 1}, np.int64(MASKS[:, 0] > 0), IMAGES),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.3}, LABELS, Q),
    ("Dice", {}, YES, P),
    ("Dice", {"axis": AXES}, MASKS, IMAGES),
    ("Dice", {"axis": -1}, 0 * YES, 0 * P),
    ("Tversky", {"alpha": 0.3, "beta": 0.7, "axis": AXES}, MASKS, IMAGES),
    ("Tversky", {"alpha": 0.3, "beta": 0.7, "axis": -1}, 0 * YES, 0 * P),
    ("Circle", {}, OF_UNIT, UNIT),
    (
        "Circle",
        {"gamma": 8.0, "margin": 0.25, "remove_diagonal": False},
        OF_UNIT[:, None].astype(np.float32),
        UNIT,
    ),
    ("CTC", {}, WORDS, SPEECH),
    ("CTC", {}, WORDS[:, :2].astype(np.float32), np.float32(20) * SPEECH),
]


CASES = {f"{place:02} {row[0]}": row for place, row in enumerate(TABLE)}


def of_keras(name, options, y, x):
    """(values, gradient) of Keras, as lists."""
    import keras
    import torch

    leaf = torch.tensor(x, requires_grad=True)
    loss = getattr(keras.src.losses.losses, name)(**options, reduction="none")  # not all are exported
    values = loss(torch.tensor(y), leaf)
    values.sum().backward()
    known = name != "Circle" and torch.isfinite(leaf.grad).all()
    return values.tolist(), leaf.grad.tolist() if known else None


if __name__ == "__main__":
    STORED.write_text(json.dumps({key: of_keras(*case) for key, case in CASES.items()}, indent=1) + "\n")
