"""What the library is to reach, as ratios of our time or memory to the best peer's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from benchmarks.reasons import REASONS
from benchmarks.sizes import (
    COMPILED,
    COMPILED_TRAINING,
    COMPILED_WAYS,
    EAGER_WAYS,
    FORWARD,
    FROM_2M,
    LARGE_LAYERS,
    LARGE_ROWS,
    LOSSES,
    MIDDLING,
    SMALL,
    TRAINING,
)

OURS_FAILS = "ours fails"  # the beginning of a note

if TYPE_CHECKING:
    from benchmarks.results import Results, Row


@dataclass(frozen=True)
class Target:
    """Limits on a figure of some rows, on the CPU and one thread: on the geometric mean, on every row."""

    text: str
    where: Mapping[str, str | tuple[str, ...]]
    mean: float | None = None
    worst: float | None = None
    kind: str = "times"
    figure: str = "ratio"


LAYERS = {"loss": "linear_cross_entropy", "way": TRAINING, "size": LARGE_LAYERS}
PAIRS = {"loss": "info_nce_loss", "way": TRAINING, "size": "4096x256 pairs"}

# The losses that most frameworks have, and all others.
COMMON = (
    *("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "log_cosh_loss", "gaussian_nll_loss"),
    *("binary_cross_entropy", "binary_cross_entropy (probabilities)", "hinge_loss", "margin_ranking_loss"),
    *("cross_entropy", "cross_entropy (probabilities)", "nll_loss", "kl_div_loss", "triplet_loss"),
    *("cosine_similarity_loss", "cosine_embedding_loss"),
)
OTHERS = tuple(loss for loss in LOSSES if loss not in (*COMMON, "linear_cross_entropy"))

TARGETS = (
    Target(
        "NumPy: 20M elements and 2048x32000",
        {"backend": "numpy", "way": FORWARD, "size": ("20M", "2048x32000"), "loss": COMMON},
        mean=0.3,
        worst=0.5,
    ),
    Target(
        "NumPy: 2M elements",
        {"backend": "numpy", "way": FORWARD, "size": "2M", "loss": COMMON},
        mean=0.5,
    ),
    Target(
        "JAX outside jit against optax: 64 elements",
        {"backend": "jax", "way": FORWARD, "size": SMALL, "peer": "optax"},
        mean=0.2,
    ),
    Target(
        "JAX outside jit against optax: 20M elements and large rows",
        {"backend": "jax", "way": FORWARD, "size": ("20M", *LARGE_ROWS), "peer": "optax"},
        mean=0.2,
    ),
    Target(
        "JAX inside jit, forward",
        {"backend": "jax", "way": COMPILED, "loss": COMMON},
        mean=1.0,
        worst=1.3,
    ),
    Target(
        "JAX inside jit, value and gradient",
        {"backend": "jax", "way": COMPILED_TRAINING, "loss": COMMON},
        mean=1.0,
        worst=1.3,
    ),
    Target(
        "PyTorch eager, forward, from 2M elements",
        {"backend": "torch", "way": FORWARD, "size": FROM_2M, "loss": COMMON},
        mean=0.8,
        worst=1.5,
    ),
    Target(
        "PyTorch eager, forward+backward, from 2M elements",
        {"backend": "torch", "way": TRAINING, "size": FROM_2M, "loss": COMMON},
        mean=0.8,
        worst=1.3,
    ),
    Target(
        "PyTorch eager, forward+backward, 10k to 2M elements",
        {"backend": "torch", "way": TRAINING, "size": MIDDLING, "loss": COMMON},
        mean=2.0,
        worst=3.0,
    ),
    Target(
        "PyTorch eager, forward+backward, by several arrays: triplet, cosine, Gaussian, from 2M elements",
        {
            "backend": "torch",
            "way": TRAINING,
            "size": FROM_2M,
            "loss": ("triplet_loss", "cosine_similarity_loss", "cosine_embedding_loss", "gaussian_nll_loss"),
        },
        mean=0.8,
    ),
    Target(
        "PyTorch eager, forward+backward, cross_entropy 2048x32000",
        {"backend": "torch", "way": TRAINING, "size": "2048x32000", "loss": "cross_entropy"},
        mean=0.55,
    ),
    Target(
        "PyTorch eager, forward+backward, cross_entropy 2048x32000, peak memory",
        {"backend": "torch", "way": TRAINING, "size": "2048x32000", "loss": "cross_entropy"},
        mean=0.5,
        kind="memory",
    ),
    Target("PyTorch eager, linear_cross_entropy forward+backward", {"backend": "torch", **LAYERS}, worst=1.0),
    Target(
        "JAX inside jit, linear_cross_entropy value and gradient",
        {"backend": "jax", **LAYERS, "way": COMPILED_TRAINING},
        worst=1.2,
    ),
    *(
        Target(
            f"{name}, linear_cross_entropy forward+backward, peak memory",
            {"backend": backend, **LAYERS},
            worst=limit,
            kind="memory",
        )
        for backend, name, limit in (
            ("torch", "PyTorch", 0.15),
            ("jax", "JAX", 0.15),
            ("numpy", "NumPy", 0.15),
            ("mlx", "MLX", 0.4),
        )
    ),
    Target(
        "PyTorch eager, info_nce_loss forward+backward, 4096x256", {"backend": "torch", **PAIRS}, worst=1.1
    ),
    Target(
        "PyTorch eager, info_nce_loss forward+backward, 4096x256, peak memory",
        {"backend": "torch", **PAIRS},
        worst=0.25,
        kind="memory",
    ),
    Target("PyTorch compiled", {"backend": "torch", "way": COMPILED_WAYS, "loss": COMMON}, mean=1.0),
    Target("MLX", {"backend": "mlx", "way": EAGER_WAYS, "loss": COMMON}, mean=1.0),
    Target("MLX compiled", {"backend": "mlx", "way": COMPILED_WAYS, "loss": COMMON}, mean=1.0),
    *(
        Target(
            f"{name}, other losses, from 2M elements",
            {"backend": backend, "way": way, "size": FROM_2M, "loss": OTHERS},
            mean=1.0,
            worst=1.5,
        )
        for backend, way, name in (
            ("numpy", FORWARD, "NumPy, forward"),
            ("numpy", TRAINING, "NumPy, forward+backward"),
            ("jax", COMPILED, "JAX inside jit, forward"),
            ("jax", COMPILED_TRAINING, "JAX inside jit, value and gradient"),
            ("torch", TRAINING, "PyTorch eager, forward+backward"),
            ("mlx", EAGER_WAYS, "MLX"),
        )
    ),
    Target(
        "One call on NumPy, µs above the bare formula",
        {"backend": "numpy"},
        worst=6,
        kind="calls",
        figure="above",
    ),
    Target(
        "One call on PyTorch, µs above the bare formula",
        {"backend": "torch"},
        worst=8,
        kind="calls",
        figure="above",
    ),
    Target("One call on JAX, µs in all", {"backend": "jax"}, worst=12, kind="calls", figure="ours"),
)


@dataclass(frozen=True)
class Verdict:
    """A target beside what was measured."""

    target: Target
    rows: list[Row]  # those that count, worst first
    mean: float | None
    missed: list[Row]  # those beyond the limit on every row

    @property
    def measured(self) -> bool:
        return bool(self.rows)

    @property
    def mean_missed(self) -> bool:
        return self.mean is not None and self.target.mean is not None and self.mean > self.target.mean

    @property
    def met(self) -> bool:
        return self.measured and not self.mean_missed and not self.missed

    @property
    def reasons(self) -> list[str]:
        names = [self.target.text] * self.mean_missed + [name_of(row) for row in self.missed]
        return list(dict.fromkeys(text for text in map(reason, names) if text))

    @property
    def goal(self) -> str:
        limits = (("mean", self.target.mean), ("each", self.target.worst))
        return ", ".join(f"{which} ≤ {limit:g}" for which, limit in limits if limit is not None)

    @property
    def figures(self) -> str:
        """The mean, and the worst row where every row has a limit."""
        parts = []
        if self.mean is not None and self.target.mean is not None:
            parts.append(short(self.mean))
        if self.rows and self.target.worst is not None:
            row = self.rows[0]
            which = " ".join(row[part] for part in ("loss", "size") if part in row)
            parts.append(f"worst {short(figure(row, self.target.figure))} ({which})")
        return ", ".join(parts)


def verdict(target: Target, results: Results) -> Verdict:
    figures = {id(row): figure(row, target.figure) for row in results.all(target.kind)}
    rows = [row for row in results.all(target.kind) if counts(row, target) and figures[id(row)] is not None]
    rows.sort(key=lambda row: -figures[id(row)])
    numbers = [figures[id(row)] for row in rows]
    mean = geometric_mean(numbers) if numbers and target.figure == "ratio" else None
    limit = math.inf if target.worst is None else target.worst
    return Verdict(target, rows, mean, [row for row in rows if figures[id(row)] > limit])


def counts(row: Row, target: Target) -> bool:
    if row["device"] != "cpu" or row.get("threads", 1) != 1:
        return False
    return all(row[name] in (v if isinstance(v, tuple) else (v,)) for name, v in target.where.items())


def figure(row: Row, name: str) -> Any:
    """One figure of a row, infinite where ours fails; the ratio of memory is not stored."""
    if name == "ratio" and name not in row:
        return row["ours"] / row["theirs"] if row["theirs"] else None
    failed = row[name] is None and row["note"].startswith(OURS_FAILS)
    return math.inf if failed else row[name]


def geometric_mean(ratios: list[float]) -> float:
    if math.inf in ratios:
        return math.inf
    return math.exp(math.fsum(math.log(max(r, 1e-9)) for r in ratios) / len(ratios))


def short(x: float) -> str:
    """Two digits, without a power of ten."""
    return f"{x:.0f}" if x >= 100 else f"{x:.2g}"


def name_of(row: Row) -> str:
    return " ".join(str(row[part]) for part in ("backend", "loss", "size", "way") if part in row)


def reason(name: str) -> str:
    return next((text for pattern, text in REASONS.items() if fnmatchcase(name, pattern)), "")
