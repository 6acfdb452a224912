"""One small network on the handwritten digits of scikit-learn, trained by any framework's autodiff."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from statistics import fmean
from typing import Any, NamedTuple, TypeAlias

from xlosses import cross_entropy
from xlosses._backends import Workbench

SIZES = (64, 64, 10)  # pixels, hidden units, digits
TRAINING, BATCH = 1440, 32  # of 1797 images; batches of one length, so that nothing compiles twice
RATE = 0.3
SEED = 0


class Digits(NamedTuple):
    """Images as rows of 64 brightnesses in [0, 1], and which digit each shows."""

    training_images: Any
    test_images: Any
    training_labels: Any
    test_labels: Any


class Epoch(NamedTuple):
    """What one pass over the training set led to."""

    training_loss: float
    test_loss: float
    accuracy: float


Curves: TypeAlias = Mapping[str, Sequence[Epoch]]
"""What each framework reached, epoch by epoch."""


def load_digits() -> Digits:
    """The digits that ship inside scikit-learn, always split alike."""
    from sklearn import datasets, model_selection

    images, labels = datasets.load_digits(return_X_y=True)
    return Digits(
        *model_selection.train_test_split(
            images / 16.0, labels, train_size=TRAINING, stratify=labels, random_state=SEED
        )
    )


def train(bench: Workbench, judge: Workbench, digits: Digits, epochs: int) -> Iterator[Epoch]:
    """Train by `bench` with plain gradient descent, and evaluate by `judge` after every epoch."""
    step = bench.compile(gradient_step(bench))
    weights = [bench.array(values) for values in initial_weights()]
    batches = list(minibatches(bench, digits))
    for _ in range(epochs):
        losses = []
        for images, labels in batches:
            loss, weights = step(images, labels, *weights)
            losses.append(bench.read(loss))
        trained = [judge.array(bench.read(w)) for w in weights]
        yield Epoch(fmean(losses), *evaluate(judge, digits, *trained))


def network(xp: Any, images: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """The score of every digit for every image."""
    return xp.tanh(images @ w1 + b1) @ w2 + b2


def gradient_step(bench: Workbench) -> Any:
    """A function that goes from a minibatch and weights to the loss and the next weights."""

    def step(images: Any, labels: Any, *weights: Any) -> Any:
        def loss(*weights: Any) -> Any:
            return cross_entropy(network(bench.xp, images, *weights), labels, reduction="mean")

        value, gradient = bench.value_and_grad(loss, *weights)
        return value, [w - RATE * slope for w, slope in zip(weights, gradient, strict=True)]

    return step


def initial_weights() -> Iterator[list[Any]]:
    """Weights and biases of each layer, the same on every call: Glorot's uniform weights, zeros."""
    source = random.Random(SEED)
    for inputs, outputs in pairwise(SIZES):
        bound = (6.0 / (inputs + outputs)) ** 0.5
        yield [[source.uniform(-bound, bound) for _ in range(outputs)] for _ in range(inputs)]
        yield [0.0] * outputs


def minibatches(bench: Workbench, digits: Digits) -> Iterator[tuple[Any, Any]]:
    """The training set in arrays of the framework, cut always alike."""
    for start in range(0, TRAINING, BATCH):
        cut = slice(start, start + BATCH)
        yield bench.array(digits.training_images[cut]), bench.array(digits.training_labels[cut], "int32")


def evaluate(bench: Workbench, digits: Digits, *weights: Any) -> tuple[float, float]:
    """Loss on the test set, and the share of it that is recognised."""
    scores = network(bench.xp, bench.array(digits.test_images), *weights)
    labels = bench.array(digits.test_labels, "int32")
    right = bench.xp.argmax(scores, axis=-1) == labels
    return bench.read(cross_entropy(scores, labels, reduction="mean")), fmean(bench.read(right))


def disagreements(curves: Curves) -> list[float]:
    """The largest difference between the frameworks' losses, epoch by epoch."""
    return [
        largest(
            abs(x - y)
            for one, other in combinations(reached, 2)
            for x, y in ((one.training_loss, other.training_loss), (one.test_loss, other.test_loss))
        )
        for reached in zip(*curves.values(), strict=True)
    ]


def largest(figures: Iterable[float]) -> float:
    """The largest figure, or NaN if there is one; 0 of none."""
    return max(figures, key=lambda x: math.inf if math.isnan(x) else x, default=0.0)
