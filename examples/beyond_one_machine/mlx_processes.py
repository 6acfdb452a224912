"""MLX: the gradient of one mean over all processes. Started by `mlx.launch`."""

import mlx.core as mx

import xlosses

group = mx.distributed.init()
labels = mx.array([0, -1, -1, -1, 1, 2, -1, 0])  # two processes keep one row and three
x = mx.random.normal((8, 5), key=mx.random.key(0))
weights = mx.random.normal((5, 3), key=mx.random.key(1))


def sums(w, rows):
    return xlosses.sums(xlosses.cross_entropy)(x[rows] @ w, labels[rows], ignore_index=-1)


share = len(labels) // group.size()
rows = slice(group.rank() * share, (group.rank() + 1) * share)
total, gradient = mx.value_and_grad(lambda w: sums(w, rows).total)(weights)
count = mx.distributed.all_sum(sums(weights, rows).count)
gradient = mx.distributed.all_sum(gradient) / count

expected = mx.grad(lambda w: sums(w, slice(None)).mean())(weights)
assert mx.allclose(gradient, expected, rtol=1e-5).item()
print(f"process {group.rank()} of {group.size()}: the gradient is that of one")
