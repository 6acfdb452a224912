"""Wrong calls of every loss: type and text of the error are stored once, and the same on every framework.

`python tests/losses/test_error_snapshots.py` writes the file anew; read the difference before it is kept.
"""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
STORED = HERE / "errors.json"
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "backends")]

from matrix import every_case, floating  # noqa: E402

from xlosses.testing import CASES, Case  # noqa: E402
from xlosses.testing.data import KINDS, drawn  # noqa: E402
from xlosses.testing.parity import arrays  # noqa: E402

PARAMETERS = {
    "huber_loss": {"delta": 0.0},
    "smooth_l1_loss": {"beta": -1.0},
    "mape_loss": {"eps": 0.0},
    "smape_loss": {"eps": -1.0},
    "general_robust_loss": {"alpha": float("inf")},
    "gaussian_nll_loss": {"eps": -1e-6},
    "student_t_nll_loss": {"df": 0.0},
    "poisson_nll_loss": {"eps": 0.0},
    "negative_binomial_nll_loss": {"eps": -1.0},
    "tweedie_deviance_loss": {"power": 0.5},
    "cross_entropy": {"label_smoothing": 1.5},
    "linear_cross_entropy": {"softcap": 0.0},
    "margin_ranking_loss": {"margin": float("nan")},
    "triplet_loss": {"p": 0.0},
    "cosine_similarity_loss": {"eps": -1.0},
    "cosine_distance_loss": {"eps": -1.0},
    "cosine_embedding_loss": {"margin": float("inf")},
    "contrastive_loss": {"margin": -1.0},
    "hinge_embedding_loss": {"margin": float("nan")},
    "js_div_loss": {"beta": 1.0},
    "distillation_loss": {"temperature": 0.0},
    "multi_margin_loss": {"margin": float("inf")},
    "quantile_loss": {"quantile": 1.0},
    "dice_loss": {"smooth": -1.0},
    "tversky_loss": {"alpha": -0.5},
    "jaccard_loss": {"smooth": -1.0},
    "focal_tversky_loss": {"gamma": 0.0},
    "generalized_dice_loss": {"smooth": -1.0},
    "binary_cross_entropy": {"label_smoothing": 1.0},
    "sigmoid_focal_loss": {"alpha": 1.0},
    "softmax_focal_loss": {"gamma": -1.0},
    "poly_cross_entropy": {"epsilon": float("inf")},
    "generalized_cross_entropy": {"q": 0.0},
    "arcface_loss": {"margin": -0.5},
    "cosface_loss": {"scale": 0.0},
    "box_iou_loss": {"eps": -1e-7},
    "giou_loss": {"eps": -1e-7},
    "diou_loss": {"eps": -1e-7},
    "ciou_loss": {"eps": -1e-7},
    "info_nce_loss": {"temperature": 0.0},
    "siglip_loss": {"scale": float("nan")},
    "supervised_contrastive_loss": {"temperature": -1.0},
    "nt_xent_loss": {"temperature": 0.0},
    "circle_loss": {"gamma": 0.0},
    "hard_triplet_loss": {"margin": float("inf")},
    "multi_similarity_loss": {"alpha": 0.0},
    "vicreg_loss": {"eps": 0.0},
    "barlow_twins_loss": {"off_diagonal": -1.0},
}


class Foreign:
    """An array of a framework that no other array here belongs to."""

    shape, dtype = (3,), "float32"

    def __array_namespace__(self, api_version: str | None = None) -> types.ModuleType:
        return types.ModuleType("another framework")


def wrong_calls(on: Any, case: Case) -> dict[str, Callable[[], Any]]:
    """What is wrong, and the call that does it."""
    given = arrays(case, on.bench, drawn(case.arrays, 3))
    first, *others = given
    second = next(name for name in others if not case.is_shared(name))
    x, labels = given[first], KINDS[case.arrays[second]].dtype
    longer = on.array(drawn(case.arrays, 4)[second], labels or "float32")
    z = on.bench.xp.astype(x, on.bench.xp.complex64)
    calls: dict[str, dict[str, Any]] = {
        "reduction": {"reduction": "average"},
        "shape": {second: longer},
        "no array": {first: [[1.0, 2.0]], second: given[second]},
        "other is no array": {second: "targets"},
        "complex": {first: z},
        "framework": {second: Foreign()},
        "framework of weights": {"weights": Foreign()},
        "shape of weights": {"weights": on.array([1.0, 2.0])},
        "shape of where": {"where": on.array([[True], [False], [True]], "bool")},
        "dtype of where": {"where": on.array([0.0, 1.0, 1.0])},
        "dtype": {"dtype": "int8"},
        "unknown dtype": {"dtype": "single"},
    }
    if case.loss_name in PARAMETERS:
        calls["parameter"] = PARAMETERS[case.loss_name]
        calls["parameter is no number"] = {next(iter(PARAMETERS[case.loss_name])): "one"}
    if case.has_axis:
        calls["axis"] = {"axis": 2}
    if labels:
        calls["floating labels"] = {second: on.array([0.0, 1.0, 2.0])}
    if case.arrays[second] == "labels":
        if "class_weights" in inspect.signature(case.loss).parameters:
            calls["shape of class weights"] = {"class_weights": on.array([1.0, 2.0])}
        if on.looks:
            calls["label"] = {second: on.array([0, 1, 17], "int32")}
            calls["negative label"] = {second: on.array([0, -1, 1], "int32")}
    if len(floating(case)) > 2:
        calls["complex third"] = {floating(case)[2]: z}
    return {what: (lambda wrong=wrong: case.loss(**{**given, **wrong})) for what, wrong in calls.items()}


def errors(on: Any, case: Case) -> dict[str, list[str]]:
    """Type and text of every error, with the framework's name left open."""
    found = {}
    for what, call in wrong_calls(on, case).items():
        try:
            call()
        except (TypeError, ValueError) as error:
            text = str(error).replace(f"from {on.bench.xp.framework}", "from <framework>")
            found[what] = [type(error).__name__, text]
        else:
            found[what] = ["no error", ""]
    return found


@every_case
def test_errors(on, case):
    stored = json.loads(STORED.read_text())[case.name]
    if not on.looks:
        stored = {what: error for what, error in stored.items() if what not in ("label", "negative label")}
    found = errors(on, case)
    assert found == stored
    assert len(found) >= 5
    assert all(kind != "no error" for kind, _ in found.values())


if __name__ == "__main__":
    from on_numpy import adaptor

    snapshots = {name: errors(adaptor, case) for name, case in CASES.items()}
    STORED.write_text(json.dumps(snapshots, indent=1) + "\n")
