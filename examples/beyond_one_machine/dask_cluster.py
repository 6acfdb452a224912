"""Dask: the mean over an array that does not fit in the memory of one worker."""

import dask.array as da
from dask.distributed import Client, LocalCluster

import xlosses

ROWS, CLASSES = 600_000, 64  # 307 MB of logits in chunks of 10 MB


def main():
    limits = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": "280MB"}
    with LocalCluster(**limits, dashboard_address=None) as cluster, Client(cluster):
        rng = da.random.default_rng(0)
        logits = rng.normal(size=(ROWS, CLASSES), chunks=(20_000, CLASSES))
        labels = rng.integers(CLASSES, size=ROWS, chunks=20_000)
        loss = xlosses.cross_entropy(logits, labels, reduction="mean")  # a plan, no number
        print(f"mean over {logits.nbytes >> 20} MB: {loss.compute():.4f}")


if __name__ == "__main__":
    main()
