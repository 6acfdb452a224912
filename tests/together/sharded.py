"""Losses of DTensors in two processes: value, gradient, and how many numbers are sent; run as a script."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import nullcontext

import torch
from torch import distributed, multiprocessing
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import loss_parallel
from torch.utils._python_dispatch import TorchDispatchMode

import xlosses

PROCESSES, ROWS, CLASSES = 2, 6, 256
SHARDED = {"batch": Shard(0), "classes": Shard(1)}
SENT_PER_ROW = 24  # numbers, of 128 logits in a process: largest entry, sums, entry picked, gradients


class Sent(TorchDispatchMode):
    """Counts the numbers that go into collective operations."""

    numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if DTensor in types:  # first by DTensor, into operations on what each process holds
            return NotImplemented
        if "c10d_functional" in str(function) and "wait_tensor" not in str(function):
            self.numbers += args[0].numel()
        return function(*args, **(kwargs or {}))


def calls():
    """Losses with their arrays and options; labels come second, and belong to rows."""
    torch.manual_seed(0)
    logits, targets = torch.randn(ROWS, CLASSES), torch.randn(ROWS, CLASSES)
    labels = torch.tensor([0, CLASSES - 1, -1, 3, 17, 2])
    yield xlosses.cross_entropy, logits, labels, {"ignore_index": -1}
    yield xlosses.cross_entropy, logits, labels, {"ignore_index": -1, "label_smoothing": 0.1}
    yield xlosses.cross_entropy, logits, torch.softmax(targets, -1), {}
    yield xlosses.nll_loss, torch.log_softmax(logits, -1), labels, {"ignore_index": -1}
    yield xlosses.softmax_focal_loss, logits, labels, {"ignore_index": -1}
    yield xlosses.kl_div_loss, torch.log_softmax(logits, -1), torch.log_softmax(targets, -1), {}
    yield xlosses.mse_loss, logits, targets, {}
    yield xlosses.huber_loss, logits, targets, {"weights": torch.rand(ROWS, 1)}
    yield xlosses.cosine_similarity_loss, logits, targets, {}


def check(loss, x, y, options, placement, plain, parallel, mesh):
    whole = x.clone().requires_grad_()
    expected = loss(whole, y, reduction="mean", **options)
    expected.backward()
    spread = distribute_tensor(x, mesh, [placement]).requires_grad_()
    of_target = placement if y.ndim == x.ndim or placement == Shard(0) else Replicate()
    target = y if plain else distribute_tensor(y, mesh, [of_target])
    with Sent() as sent, loss_parallel() if parallel else nullcontext():
        found = loss(spread, target, reduction="mean", **options)
        found.backward()
    torch.testing.assert_close(found.full_tensor(), expected)
    torch.testing.assert_close(spread.grad.full_tensor(), whole.grad)
    assert sent.numbers or placement == Shard(0) or y.ndim == x.ndim  # the picked entries at least
    assert sent.numbers <= SENT_PER_ROW * ROWS, f"{loss.__name__}, {placement}: {sent.numbers} were sent"


def run(rank, store):
    distributed.init_process_group("gloo", f"file://{store}", rank=rank, world_size=PROCESSES)
    mesh = init_device_mesh("cpu", (PROCESSES,))
    for loss, x, y, options in calls():
        for placement in SHARDED.values():
            for plain in (False, True):
                check(loss, x, y, options, placement, plain, False, mesh)
            if loss is xlosses.cross_entropy and y.ndim < x.ndim:
                check(loss, x, y, options, placement, False, True, mesh)
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(run, (os.path.join(folder, "store"),), nprocs=PROCESSES)
    sys.stdout.write("sharded: all losses agree\n")
