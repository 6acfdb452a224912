"""PyTorch's DTensor: one tensor spread over several processes, by axes or copied to each."""

from __future__ import annotations

from typing import Any

import array_api_compat.torch as standard
from torch.distributed.tensor import DTensor, Replicate, Shard

from xlosses._backends.generic import Namespace
from xlosses._backends.torch import Torch


class Sharded(Torch):
    """Rows may be spread over processes, too, so that an entry is picked by comparing and not by gathering.

    What then has to be communicated is a few numbers per row. Plain tensors beside a DTensor are taken for
    the whole array, the same in every process.
    """

    adopts = frozenset({Torch.framework})
    is_spread = True

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        found = super().sum(x, axis, keepdims)
        return found if axis is None else _in_each_process(found)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return _in_each_process(super().max(x, axis, keepdims))

    softmax = Namespace.softmax
    log_softmax = Namespace.log_softmax
    pick = Namespace.pick
    softmax_less_one = Namespace.softmax_less_one
    add_at = Namespace.add_at
    put_at = Namespace.put_at

    def adopt(self, x: Any, like: Any) -> Any:
        return x if isinstance(x, DTensor) else _replicated(x, like)

    def array(self, values: Any, like: Any, dtype: Any) -> Any:
        return _replicated(super().array(values, like, dtype), like)

    def indices(self, n: int, like: Any) -> Any:
        return _replicated(super().indices(n, like), like)

    def _is_at_label(self, x: Any, labels: Any) -> Any:
        # Classes laid out as x lays out its rows: then the mask takes no more memory than x.
        last = Shard(x.ndim - 1)
        classes = self.indices(x.shape[-1], x)
        placements = [Shard(0) if placement == last else Replicate() for placement in x.placements]
        return labels[..., None] == classes.redistribute(placements=placements)


def _in_each_process(x: Any) -> Any:
    """x with the parts of its entries added up; beside such parts PyTorch may lay out a whole array anew."""
    placements = [Replicate() if placement.is_partial() else placement for placement in x.placements]
    return x.redistribute(placements=placements)


def _replicated(x: Any, like: Any) -> Any:
    mesh = like.device_mesh
    return DTensor.from_local(x, mesh, [Replicate()] * mesh.ndim, run_check=False)


namespace = Sharded(standard)
