"""Models of Keras that train by these classes, are saved, and find them again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Each part is a program of its own, because Keras takes one backend for good.
TRAIN = """
import sys
{imports}
import numpy as np
made_before = {before}
import keras
from xlosses.keras import (
    CategoricalFocalCrossentropy, Hinge, Huber, Loss, SparseCategoricalCrossentropy, get
)

rng = np.random.default_rng(0)
x = rng.normal(size=(32, 4)).astype("float32")
labels, signs = (x[:, 0] > 0).astype("int64"), np.sign(x[:, 1:2])
weights = np.linspace(0.0, 2.0, 32).astype("float32")


def trained(loss, y, units, activation=None, steps=2, **options):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(units, activation=activation)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
    history = model.fit(x, y, epochs=steps, batch_size=16, shuffle=False, verbose=0, **options)
    return model, np.asarray(history.history["loss"])


one_hot = np.eye(3, dtype="float32")[rng.integers(0, 3, 32)]
CASES = [
    (made_before or Hinge(), keras.losses.Hinge(), signs, 1, None),
    (SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1),
     keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1),
     np.where(np.arange(32) % 5 == 0, -1, labels), 2, None),
    (CategoricalFocalCrossentropy(), keras.losses.CategoricalFocalCrossentropy(), one_hot, 3, "softmax"),
    (get("mse"), "mse", signs, 1, None),
]
for ours, theirs, y, units, activation in CASES:
    found, wanted = (
        trained(loss, y, units, activation, sample_weight=weights)[1] for loss in (ours, theirs)
    )
    np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=1e-6)
    assert found[-1] < found[0]


class Cubic(Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 3, axis=-1)


found = trained(Cubic(), signs, 1, sample_weight=weights)[1]
assert found[-1] < found[0]

lengths = rng.integers(1, 6, (32, 1, 1))
sequence = np.where(np.arange(6)[None, :, None] < lengths, rng.normal(size=(32, 6, 4)), 0)
results = []
for loss in (Huber(), keras.losses.Huber()):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Input((6, 4)), keras.layers.Masking(), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss=loss)
    fit = model.fit(sequence, sequence[..., :1] + 1, epochs=1, batch_size=16, shuffle=False, verbose=0)
    results.append(fit.history["loss"])
np.testing.assert_allclose(*results, rtol=2e-4)

model, _ = trained(Huber(0.25, name="mine"), signs, 1)
model.save(sys.argv[1])
print(model.evaluate(x, signs, verbose=0))
"""

LOAD = """
import sys
{imports}
import numpy as np
import keras

model = keras.saving.load_model(sys.argv[1])
from xlosses.keras import Huber
assert type(model.loss) is Huber and model.loss == Huber(0.25, name="mine"), model.loss
x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
print(model.evaluate(x, np.sign(x[:, 1:2]), verbose=0))
model.fit(x, np.sign(x[:, 1:2]), verbose=0)
"""
ORDERS = {
    "first": ("import xlosses.keras", "xlosses.keras.Hinge()"),
    "last": ("import keras, xlosses.keras", "None"),
}


def run(program, path, backend):
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True, text=True, check=False, env={**os.environ, "KERAS_BACKEND": backend},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return float(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("backend", "order"), [("torch", "first"), ("jax", "last")])
def test_a_model_trains_and_finds_its_loss_again(tmp_path, backend, order):
    path = tmp_path / "model.keras"
    imports, before = ORDERS[order]
    value = run(TRAIN.format(imports=imports, before=before), path, backend)
    imports, _ = ORDERS["last" if order == "first" else "first"]
    assert run(LOAD.format(imports=imports), path, backend) == pytest.approx(value, rel=1e-5)


def test_keras_that_is_not_there_is_still_an_import_error():
    program = """
import sys, xlosses.keras
sys.path, known = [], sys.modules.pop("keras", None)
try:
    import keras
except ModuleNotFoundError:
    print(1.0)
"""
    assert run(program, "", "torch") == 1.0
