"""JAX: batch and classes spread over a mesh of devices, by the compiler and by hand."""

import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"  # four devices of one CPU

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

import xlosses

mesh = jax.make_mesh((2, 2), ("batch", "classes"))
rng = np.random.default_rng(0)
logits = jnp.asarray(rng.normal(size=(8, 64)), "float32")
labels = jnp.asarray([0, 63, -1, -1, -1, 5, 17, -1])


def mean(x, y):
    return xlosses.cross_entropy(x, y, ignore_index=-1, reduction="mean")


expected = jax.value_and_grad(mean)(logits, labels)

# By the compiler: it adds the communication that the layout of the arrays needs.
by_both = NamedSharding(mesh, PartitionSpec("batch", "classes"))
spread_logits = jax.device_put(logits, by_both)
spread_labels = jax.device_put(labels, NamedSharding(mesh, PartitionSpec("batch")))
found = jax.jit(jax.value_and_grad(mean))(spread_logits, spread_labels)
for a, b in zip(found, expected, strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


# By hand: every device adds its sums to those of the others.
def mean_by_hand(x, y):
    sums = xlosses.sums(xlosses.cross_entropy)(x, y, ignore_index=-1)
    return jax.lax.psum(sums, "batch").mean()


rows = PartitionSpec("batch")
layout = dict(in_specs=(rows, rows), out_specs=PartitionSpec())
by_hand = jax.jit(jax.shard_map(mean_by_hand, mesh=mesh, **layout))
of_rows = (jax.device_put(x, NamedSharding(mesh, rows)) for x in (logits, labels))
np.testing.assert_allclose(by_hand(*of_rows), expected[0], rtol=1e-5)
print(f"mesh of {mesh.size} devices: loss and gradient are those of one")
