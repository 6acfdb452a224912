"""PyTorch, DTensor: logits spread over processes by their classes; none of them is sent anywhere."""

import os
import tempfile

import torch
from torch import distributed, multiprocessing
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor

import xlosses

PROCESSES, ROWS, CLASSES = 2, 6, 1000


def batch():
    torch.manual_seed(0)
    return torch.randn(ROWS, CLASSES), torch.randint(CLASSES, (ROWS,))


def compare(rank, store):
    distributed.init_process_group("gloo", f"file://{store}", rank=rank, world_size=PROCESSES)
    mesh = init_device_mesh("cpu", (PROCESSES,))
    logits, labels = batch()

    spread = distribute_tensor(logits, mesh, [Shard(1)]).requires_grad_()
    spread_labels = distribute_tensor(labels, mesh, [Replicate()])  # or the plain labels
    loss = xlosses.cross_entropy(spread, spread_labels, reduction="mean")
    loss.backward()  # a process has the gradient by its own classes

    whole = logits.clone().requires_grad_()
    expected = xlosses.cross_entropy(whole, labels, reduction="mean")
    expected.backward()
    torch.testing.assert_close(loss.full_tensor(), expected)
    torch.testing.assert_close(spread.grad.full_tensor(), whole.grad)
    if rank == 0:
        print(f"agrees, with {CLASSES // PROCESSES} of {CLASSES} classes in each process")
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(compare, (os.path.join(folder, "store"),), nprocs=PROCESSES)
