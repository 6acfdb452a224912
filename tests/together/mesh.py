"""Losses of arrays on a mesh of JAX: what the compiled programs send between devices; run as a script."""

from __future__ import annotations

import math
import os
import re
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import xlosses

ROWS, CLASSES = 8, 64
LAYOUTS = (("batch", None), ("batch", "classes"), (None, "classes"))
SENT_PER_ROW = 6  # numbers in one operation: XLA joins the sums of a row; a row has 64 logits

rng = np.random.default_rng(0)
logits = jnp.asarray(rng.normal(size=(ROWS, CLASSES)), "float32")
targets = jax.nn.log_softmax(jnp.asarray(rng.normal(size=(ROWS, CLASSES)), "float32"))
labels = jnp.asarray([0, CLASSES - 1, -1, -1, -1, 5, 17, -1])
CALLS = (
    (xlosses.cross_entropy, logits, labels, {"ignore_index": -1}),
    (xlosses.cross_entropy, logits, jnp.exp(targets), {}),
    (xlosses.kl_div_loss, jax.nn.log_softmax(logits), targets, {}),
    (xlosses.huber_loss, logits, targets, {}),
    (xlosses.cosine_similarity_loss, logits, targets, {}),
)


def sent(program: str) -> list[tuple[str, int]]:
    """What a program communicates: each operation and how many numbers it sends."""
    found = re.findall(r"= (.*?) (all-[a-z-]+|collective-[a-z-]+|reduce-scatter)\(", program)
    return [(name, sum(map(entries, re.findall(r"\[([\d,]*)\]", shapes)))) for shapes, name in found]


def entries(shape: str) -> int:
    return math.prod(int(n) for n in shape.split(",") if n)


def check(loss, x, y, options, mesh, layout):
    def mean(x, y):
        return loss(x, y, reduction="mean", **options)

    spread = jax.device_put(x, NamedSharding(mesh, PartitionSpec(*layout)))
    beside = jax.device_put(y, NamedSharding(mesh, PartitionSpec(*layout[: y.ndim])))
    program = jax.jit(jax.value_and_grad(mean)).lower(spread, beside).compile()
    found, expected = program(spread, beside), jax.value_and_grad(mean)(x, y)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), found, expected)
    assert found[1].sharding.is_equivalent_to(spread.sharding, 2)
    operations = sent(program.as_text())
    assert operations
    for name, numbers in operations:
        assert name == "all-reduce", f"{loss.__name__}, {layout}: {name}"
        assert numbers <= SENT_PER_ROW * ROWS, f"{loss.__name__}, {layout}: {numbers} are sent"


if __name__ == "__main__":
    for kind in (AxisType.Auto, AxisType.Explicit):
        mesh = jax.make_mesh((2, 2), ("batch", "classes"), axis_types=(kind, kind))
        for call in CALLS:
            for layout in LAYOUTS:
                check(*call, mesh, layout)
    sys.stdout.write("mesh: all losses agree\n")
