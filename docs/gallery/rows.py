"""Losses with a term per row of classes, vectors or items: what the gallery shows and says of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from gallery.kinds import Arrows, Bars, Chunks, Entry, Line, Map, beside, curve, row

OF_CLASS = (Line(row(0.0, 0.0), "the class"), Line(row(0.0, 0.0, label=1), "another"))
LOGIT = ("logit of one of 3", (-5.0, 5.0))
OF_TARGET = ("logit of the class", (-5.0, 5.0))


def ordered(level: int) -> Any:
    """The logits of three thresholds under one score."""
    return lambda x: (beside(x + 2.0, x, x - 2.0), np.full(x.shape, level))


def outcomes(p: Any) -> Any:
    """Log probabilities of two outcomes, beside a target of 0.7 and 0.3."""
    return np.log(beside(p, 1.0 - p)), np.log(beside(np.full_like(p, 0.7), 0.3))


def angle(*targets: float) -> Any:
    """A vector at this angle from another."""
    return lambda x: (
        beside(np.cos(x), np.sin(x)),
        beside(np.ones_like(x), 0.0),
        *(np.full_like(x, target) for target in targets),
    )


def distance(target: float) -> Any:
    return lambda x: (beside(x, 0.0), beside(np.zeros_like(x), 0.0), np.full_like(x, target))


def right_angle(x: Any) -> Any:
    """Cosines of three classes, of which the first is at this angle."""
    return beside(np.cos(x), 0.3, 0.0), np.zeros(x.shape, dtype=int)


def student(x: Any) -> Any:
    return beside(x, 0.0, 0.0), beside(np.full_like(x, 2.0), 0.0, -1.0)


SCORES = np.asarray([[0.3, 1.2, 2.0, 0.7, -1.0]])
CLASSES = ("A", "B", "C", "D", "E")
LABEL_B = Bars((SCORES, np.asarray([1])), (1,), CLASSES)
B_AND_E = Bars((SCORES, np.asarray([[0.0, 1.0, 0.0, 0.0, 1.0]])), (1, 4), CLASSES)
GRADES = Bars((SCORES, np.asarray([[0.0, 2.0, 0.0, 1.0, 0.0]])), (1, 3), ("0", "2", "0", "1", "0"))

CLASSIFICATION = {
    "cross_entropy": Entry(
        "For one class out of several, from logits. Not from probabilities, nor where several classes may "
        "be true: see `binary_cross_entropy`.",
        curve(*LOGIT, *OF_CLASS),
    ),
    "linear_cross_entropy": Entry(
        "`cross_entropy` of a last linear layer without the whole table of logits, for large vocabularies. "
        "Not for a few classes: there is nothing to save.",
        Chunks("rows", "classes", 6),
    ),
    "nll_loss": Entry(
        "For models that give log probabilities. Not for logits: `cross_entropy` takes the softmax along.",
        curve("log probability of the class", (-5.0, 0.0), row(0.0, 0.0)),
    ),
    "ordinal_loss": Entry(
        "For levels in an order, where a near miss is better than a far one. Not for classes without order.",
        curve(
            "score",
            (-5.0, 5.0),
            Line(ordered(1), "level 1 of 0 to 3"),
            Line(ordered(3), "level 3"),
            top=12.0,
        ),
    ),
    "softmax_focal_loss": Entry(
        "`cross_entropy` in which rows that are right already count less. Not where the probabilities "
        "themselves are to be right.",
        curve(
            *OF_TARGET,
            Line(row(0.0, 0.0), "gamma 2", {"gamma": 2.0}),
            Line(row(0.0, 0.0), "gamma 0", {"gamma": 0.0}),
        ),
    ),
    "poly_cross_entropy": Entry(
        "`cross_entropy` with one more term, whose `epsilon` is tuned for the task. Not as a default: 0 is "
        "plain `cross_entropy`.",
        curve(
            *OF_TARGET,
            Line(row(0.0, 0.0), "epsilon 2", {"epsilon": 2.0}),
            Line(row(0.0, 0.0), "epsilon -1", {"epsilon": -1.0}),
        ),
    ),
    "generalized_cross_entropy": Entry(
        "For labels of which some are wrong: a row far off loses its pull. Not for clean labels, from which "
        "it learns more slowly.",
        curve(
            *OF_TARGET,
            Line(row(0.0, 0.0), "q 0.7", {"q": 0.7}),
            Line(row(0.0, 0.0), "q 0.01", {"q": 0.01}),
        ),
    ),
    "arcface_loss": Entry(
        "For embeddings of identities that are later compared by angle. Not for plain classification, nor "
        "for vectors that are not normalised.",
        curve(
            "angle to the class, radians",
            (0.1, 3.1),
            Line(right_angle, "margin 0.5", {"margin": 0.5, "scale": 8.0}),
            Line(right_angle, "margin 0", {"margin": 0.0, "scale": 8.0}),
        ),
    ),
    "cosface_loss": Entry(
        "The same with a margin of the cosine, which is plainer near 0 and π. Not for vectors that are not "
        "normalised.",
        curve(
            "angle to the class, radians",
            (0.1, 3.1),
            Line(right_angle, "margin 0.35", {"margin": 0.35, "scale": 8.0}),
            Line(right_angle, "margin 0", {"margin": 0.0, "scale": 8.0}),
        ),
    ),
}

DIVERGENCE = {
    "kl_div_loss": Entry(
        "For targets that are distributions, from log probabilities. Not where the prediction may exclude "
        "what happens: that is infinite.",
        curve("probability, of target 0.7", (0.02, 0.98), outcomes, top=2.5, bottom=-5.0),
    ),
    "generalized_kl_div_loss": Entry(
        "For amounts that need not sum to 1, such as spectra. Not for distributions: the two more terms "
        "cancel there.",
        curve(
            "log amount, of target 2",
            (-2.0, 2.0),
            lambda x: (beside(x), beside(np.full_like(x, 2.0))),
        ),
    ),
    "js_div_loss": Entry(
        "For a bounded distance of two distributions that treats both alike. Not where they hardly overlap: "
        "the slope vanishes.",
        curve("probability, of target 0.7", (0.02, 0.98), outcomes, bottom=-1.2, top=0.8),
    ),
    "distillation_loss": Entry(
        "For a student that learns from a teacher's logits; a higher `temperature` shows it the unlikely "
        "classes. Not in place of true labels where these are at hand: add both.",
        curve(
            "logit of the student, teacher's is 2",
            (-4.0, 7.0),
            Line(student, "temperature 1", {"temperature": 1.0}),
            Line(student, "temperature 4", {"temperature": 4.0}),
        ),
    ),
}

MULTICLASS = {
    "multiclass_hinge_loss": Entry(
        "For one class out of several with a margin over the best of the others, which alone is moved. Not "
        "for probabilities.",
        LABEL_B,
    ),
    "multi_margin_loss": Entry(
        "The same over all others that come within the margin. Not for many classes where the mean over "
        "them makes it small.",
        LABEL_B,
    ),
    "multiclass_perceptron_loss": Entry(
        "For linear models that only need the right class to be best. Not where a margin matters.",
        LABEL_B,
    ),
    "multiclass_sparsemax_loss": Entry(
        "For probabilities of which many are exactly 0: classes far below are left alone. Not where every "
        "class should keep some probability.",
        LABEL_B,
    ),
    "multilabel_margin_loss": Entry(
        "For several true classes that should all be above the others by a margin. Not for a yes or no of "
        "each class by itself.",
        B_AND_E,
    ),
    "multilabel_soft_margin_loss": Entry(
        "`binary_cross_entropy` with one term per row: a yes or no of each class. Not for one class out of "
        "several.",
        B_AND_E,
    ),
}

TRIPLET = np.asarray([[0.0, 0.0]]), np.asarray([[1.3, 0.9]]), np.asarray([[1.2, -0.5]])

RANKING = {
    "margin_ranking_loss": Entry(
        "For pairs of which the first should score higher by a margin. Not for whole lists: see "
        "`ranking_softmax_loss`.",
        Map(
            ("first score", "second score"),
            ((-2.0, 2.0), (-2.0, 2.0)),
            lambda x, y: (x, y, np.ones_like(x)),
            {"margin": 0.5},
        ),
    ),
    "triplet_loss": Entry(
        "For triplets at hand: the positive nearer than the negative by a margin. Not for a labelled batch, "
        "where `hard_triplet_loss` finds them.",
        Arrows(TRIPLET, ([0], [0], [1]), {}, ("anchor", "positive", "negative"), on_circle=False),
    ),
    "ranking_softmax_loss": Entry(
        "For lists where the top matters most, from graded relevances (below the bars). Not for lists "
        "without a relevant item: they teach nothing.",
        GRADES,
    ),
    "pairwise_logistic_loss": Entry(
        "For lists where every pair in the wrong order matters. Not for long lists where only the top "
        "counts.",
        GRADES,
    ),
}

ANGLE = ("angle, radians", (0.0, 3.1415926))
ALIKE_OR_NOT = (Line(angle(1.0), "alike"), Line(angle(-1.0), "unlike"))

EMBEDDING = {
    "cosine_similarity_loss": Entry(
        "For a cosine to look at: larger is more similar. Not to be minimised: take `cosine_distance_loss`.",
        curve(*ANGLE, angle()),
    ),
    "cosine_distance_loss": Entry(
        "For vectors that should point the same way. Not where their lengths matter.",
        curve(*ANGLE, angle()),
    ),
    "cosine_embedding_loss": Entry(
        "For pairs that are alike or not, by their angle. Not where lengths matter: see `contrastive_loss`.",
        curve(*ANGLE, *ALIKE_OR_NOT),
    ),
    "contrastive_loss": Entry(
        "For pairs that are alike or not, by their distance. Not for batches in which all are compared with "
        "all: see `info_nce_loss`.",
        curve("distance", (0.0, 2.0), Line(distance(1.0), "alike"), Line(distance(-1.0), "unlike")),
    ),
}

ENTRIES = {**CLASSIFICATION, **DIVERGENCE, **MULTICLASS, **RANKING, **EMBEDDING}
