"""Every line of the migration pages: both calls on the same random arrays, and what the line says of them."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import mlx.core as mx
import mlx.nn
import numpy as np
import optax
import pytest
import sklearn.metrics
import torch

import xlosses

DOCS = str(Path(__file__).parents[2] / "docs")
sys.path.append(DOCS)
try:
    import make_migration
finally:
    sys.path.remove(DOCS)

os.environ.setdefault("KERAS_BACKEND", "torch")
keras_losses = importlib.import_module("keras").losses


def drawn():
    """An array for each of the names, in float64."""
    rng = np.random.default_rng(0)
    found = {}
    found["x"], found["y"] = rng.normal(size=(2, 24)) * 2
    found["v"], found["q"], found["r"], found["d"] = np.exp(rng.normal(size=(4, 24)))
    found["n"] = rng.integers(0, 6, 24).astype(float)
    found["z"], found["p"] = rng.normal(size=24) * 2, rng.uniform(0.05, 0.95, 24)
    found["t"], found["hard"] = (rng.random((2, 24)) < 0.5).astype(float)
    found["side"] = np.where(rng.random(24) < 0.5, 1.0, -1.0)
    found["logits"], found["labels"] = rng.normal(size=(12, 5)) * 2, rng.integers(0, 5, 12)
    found["gaps"] = np.where(np.arange(12) % 4 == 1, -100, found["labels"])
    found["one"] = np.eye(5)[found["labels"]]
    found["probs"], found["guess"], p, q = rng.dirichlet(np.ones(5), size=(4, 12))
    found["logp"], found["logq"] = np.log(p), np.log(q)
    found["tags"] = (rng.random((12, 5)) < 0.4).astype(float)
    found["lists"] = np.full((12, 5), -1)
    for row, tags in zip(found["lists"], found["tags"], strict=True):
        row[: int(tags.sum())] = np.flatnonzero(tags)
    found["grades"], found["w"] = rng.integers(0, 3, (12, 5)).astype(float), rng.uniform(0.5, 2.0, 5)
    found["amounts"] = np.exp(rng.normal(size=(12, 5)))
    found["a"], found["b"], found["c"] = rng.normal(size=(3, 12, 5))
    found["s"] = np.where(np.arange(12) % 3 == 0, 1.0, -1.0)
    found["unit"] = found["a"] / np.linalg.norm(found["a"], axis=1, keepdims=True)
    found["groups"] = np.arange(12) % 4
    found["hidden"], found["weight"], found["bias"] = (rng.normal(size=n) for n in ((12, 7), (5, 7), 5))
    found["pixels"], found["classes"] = rng.normal(size=(3, 5, 4)), rng.integers(0, 5, (3, 4))
    found["images"] = rng.normal(size=(3, 6, 6, 4))
    found["onehot"] = np.eye(4)[rng.integers(0, 4, (3, 6, 6))]
    found["mask"] = rng.normal(size=(3, 6, 6, 1))
    found["inside"] = (rng.random((3, 6, 6, 1)) < 0.5).astype(float)
    found["soft"] = rng.dirichlet(np.ones(4), size=(3, 6, 6))
    p = rng.dirichlet(np.ones(5), size=(9, 4))
    found["speech"], found["spoken"] = np.log(p), rng.normal(size=(4, 9, 5))
    found["durations"], found["lengths"] = np.asarray([9, 7, 4, 5]), np.asarray([4, 3, 1, 0])
    found["ended"] = (np.arange(4) >= found["lengths"][:, None]).astype(float)
    found["silent"] = (np.arange(9) >= found["durations"][:, None]).astype(float)
    found["words"] = np.where(found["ended"], 0, rng.integers(1, 5, (4, 4)))
    return found


ARRAYS = drawn()
MAKE = {
    "torch": torch.tensor,
    "optax": jnp.asarray,
    "mlx": mx.array,
    "sklearn": np.asarray,
    "keras": torch.tensor,
}
MODULES = {
    "torch": {"F": torch.nn.functional, "nn": torch.nn},
    "optax": {"losses": optax.losses, "jax": jax},
    "mlx": {"losses": mlx.nn.losses},
    "sklearn": {"metrics": sklearn.metrics, "np": np},
    "keras": {"losses": keras_losses, "torch": torch},
}
# Of each module, the public names that are losses; sklearn's are told by what they are called.
OF_LOSSES = {
    "F": r".*(loss|entropy|kl_div|similarity|distance)",
    "nn": r"[A-Z].*(Loss|Similarity|Distance)",
    "losses": r"[a-zA-Z]\w*",
    "metrics": r".*(loss|error|deviance|coverage_error|Error)",
}
NO_LOSSES = {"losses.Loss", "losses.get", "losses.serialize", "losses.deserialize"}
LINES = [(peer, line) for peer in make_migration.PEERS for line in make_migration.lines(peer)]


@cache
def arrays_of(peer):
    real, whole = np.float64 if peer == "sklearn" else np.float32, np.int32 if peer == "mlx" else np.int64
    return {
        name: MAKE[peer](array.astype(real if array.dtype.kind == "f" else whole))
        for name, array in ARRAYS.items()
    }


def values(peer, line):
    """Of theirs, of theirs as a module, and of ours times the factor."""
    names = {"xlosses": xlosses, "range": range, **MODULES[peer], **arrays_of(peer)}
    texts = [line.theirs, line.also, f"({line.times}) * ({line.ours})"]
    found = [eval(text, names) for text in texts if text]  # noqa: S307
    return [np.asarray(x.detach() if isinstance(x, torch.Tensor) else x, np.float64) for x in found]


@pytest.mark.parametrize(("peer", "line"), LINES, ids=lambda x: x if isinstance(x, str) else x.theirs)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")
@pytest.mark.filterwarnings("ignore:.*convex_kl:DeprecationWarning")
def test_both_sides(peer, line):
    theirs, *also, ours = values(peer, line)
    for module in also:
        np.testing.assert_allclose(module, theirs, rtol=1e-6)
    if line.unequal:
        assert line.differs
        assert theirs.shape == ours.shape
        assert not np.allclose(theirs, ours, rtol=1e-3)
    else:
        assert theirs.shape == ours.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("peer", make_migration.PEERS)
def test_every_loss_of_a_peer_is_told(peer):
    told = [name for line in make_migration.lines(peer) for name in line.names]
    told += [name for entry in make_migration.left_out(peer) for name in entry["names"]]
    for prefix, module in MODULES[peer].items():
        if prefix in OF_LOSSES:
            there = {
                f"{prefix}.{name}"
                for name, value in vars(module).items()
                if re.fullmatch(rf"(?!_){OF_LOSSES[prefix]}.*", name)
                and callable(value)
                and not (peer == "mlx" and inspect.getmodule(value) is not module)
            }
            here = {name for name in told if name.startswith(f"{prefix}.")}
            assert there - here - NO_LOSSES == set(), "no line and no reason"
            assert {name for name in here if not hasattr(module, name.partition(".")[2])} == set()


def test_names_have_arrays():
    assert ARRAYS.keys() == make_migration.NAMES.keys()
