"""PyTorch, DDP and FSDP2: the gradient of one mean over all processes, whatever number of rows each keeps."""

import os
import tempfile

import torch
from torch import distributed, multiprocessing
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

import xlosses

PROCESSES = 2
LABELS = torch.tensor([0, -1, -1, -1, 1, 2, -1, 0])  # the processes keep one row and three


def batch():
    torch.manual_seed(0)
    return torch.randn(8, 5), LABELS


def model():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))


def global_mean(logits, labels):
    """What one process adds to the mean over the rows of all, before gradients are averaged."""
    sums = xlosses.sums(xlosses.cross_entropy)(logits, labels, ignore_index=-1)
    count = sums.count.clone()
    distributed.all_reduce(count)
    return PROCESSES * sums.total / count


def train(rank, store):
    distributed.init_process_group("gloo", f"file://{store}", rank=rank, world_size=PROCESSES)
    whole = model()
    x, labels = batch()
    xlosses.cross_entropy(whole(x), labels, ignore_index=-1, reduction="mean").backward()

    x, labels = (part.chunk(PROCESSES)[rank] for part in (x, labels))
    copied = DistributedDataParallel(model())
    spread = fully_shard(model(), mesh=init_device_mesh("cpu", (PROCESSES,)))
    for name, parallel in (("DDP", copied), ("FSDP2", spread)):
        global_mean(parallel(x), labels).backward()
        for ours, expected in zip(parallel.parameters(), whole.parameters(), strict=True):
            gradient = ours.grad
            gradient = gradient.full_tensor() if name == "FSDP2" else gradient
            torch.testing.assert_close(gradient, expected.grad)
        if rank == 0:
            print(f"{name}: the gradient of {PROCESSES} processes is that of one")
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(train, (os.path.join(folder, "store"),), nprocs=PROCESSES)
