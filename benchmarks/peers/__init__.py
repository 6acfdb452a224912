"""What the losses are measured against, per framework: loss -> name of the peer -> the same mean.

`PEERS` has what the framework's users would call, and the textbook composition where there is no such
function or where it competes. `BARE` has the shortest formula with the same arithmetic, to tell what a
call costs above it. Every function takes the arrays of the loss in the order of the call.
"""

from __future__ import annotations

from typing import Any

import xlosses


def dense(hidden: Any, weight: Any, labels: Any) -> Any:
    """What linear cross entropy is measured against beside the framework's own: our loss of all logits."""
    return xlosses.cross_entropy(hidden @ weight.T, labels, reduction="mean")
