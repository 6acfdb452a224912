"""Names, positional order and defaults of the seed, and what this library adds by keyword only."""

from __future__ import annotations

import inspect

import pytest

import xlosses

SEED = {
    "binary_cross_entropy": "inputs, targets, weights=None, with_logits=True, reduction='mean'",
    "cosine_similarity_loss": "x1, x2, axis=1, eps=1e-08, reduction='none'",
    "cross_entropy": "logits, targets, weights=None, axis=-1, label_smoothing=0.0, reduction='none'",
    "gaussian_nll_loss": "inputs, targets, vars, full=False, eps=1e-06, reduction='mean'",
    "hinge_loss": "inputs, targets, reduction='none'",
    "huber_loss": "inputs, targets, delta=1.0, reduction='none'",
    "kl_div_loss": "inputs, targets, axis=-1, reduction='none'",
    "l1_loss": "predictions, targets, reduction='mean'",
    "log_cosh_loss": "inputs, targets, reduction='none'",
    "margin_ranking_loss": "inputs1, inputs2, targets, margin=0.0, reduction='none'",
    "mse_loss": "predictions, targets, reduction='mean'",
    "nll_loss": "inputs, targets, axis=-1, reduction='none'",
    "smooth_l1_loss": "predictions, targets, beta=1.0, reduction='mean'",
    "triplet_loss": ("anchors, positives, negatives, axis=-1, p=2, margin=1.0, eps=1e-06, reduction='none'"),
}

ADDED = {"weights": None, "where": None, "dtype": None}
OF_VARIANCES = {"beta": 0.0}
OF_CLASSES = {"class_weights": None, "ignore_index": None}
MORE = {
    "cross_entropy": OF_CLASSES,
    "nll_loss": OF_CLASSES,
    "kl_div_loss": {"log_target": True},
    "gaussian_nll_loss": OF_VARIANCES,
    "triplet_loss": {"swap": False, "distance": "norm"},
    "binary_cross_entropy": {"pos_weight": None, "label_smoothing": 0.0},
}


@pytest.mark.parametrize("name", SEED)
def test_signature(name):
    parameters = inspect.signature(getattr(xlosses, name)).parameters.values()
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    plain = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in positional]
    assert ", ".join(plain) == SEED[name]
    by_keyword = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    wanted = {**ADDED, **MORE.get(name, {})}
    if "weights" in SEED[name]:
        del wanted["weights"]
    assert by_keyword == wanted
    assert len(parameters) == len(positional) + len(by_keyword)


OTHER_AXES = {
    "cosine_similarity_loss": 1,  # as in MLX
    "brier_loss": None,  # with classes the last
    "ctc_loss": (0, -1),  # frames and classes
}


def test_rows_lie_along_the_last_axis():
    functions = {name: getattr(xlosses, name) for name in xlosses.__all__ if name.islower()}
    defaults = {
        name: inspect.signature(f).parameters["axis"].default
        for name, f in functions.items()
        if inspect.isfunction(f) and "axis" in inspect.signature(f).parameters
    }
    given = {name: axis for name, axis in defaults.items() if axis is not inspect.Parameter.empty}
    assert given == {**dict.fromkeys(given, -1), **OTHER_AXES}
    of_sets = {"dice_loss", "tversky_loss", "focal_tversky_loss", "jaccard_loss", "generalized_dice_loss"}
    assert defaults.keys() - given.keys() == {*of_sets, "lovasz_hinge_loss", "lovasz_softmax_loss"}
