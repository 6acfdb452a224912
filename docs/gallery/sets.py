"""Losses of masks, boxes, batches, mixtures, ensembles and cohorts: what the gallery shows and says."""

from __future__ import annotations

from typing import Any

import numpy as np

from gallery.kinds import Arrows, Density, Entry, Frames, Line, Lives, Map, Sliding, Steps, beside

SIDE = np.linspace(-2.0, 2.0, 41)
DISC = (-0.8, -0.8, 1.6, 1.6)


def disc(shift: Any) -> Any:
    """Soft masks of a disc that is shifted, beside that of one in the middle."""
    across = SIDE[:, None] - np.asarray(shift)[..., None, None]
    soft = 1.0 / (1.0 + np.exp(12.0 * (np.hypot(across, SIDE) - 0.8)))
    still = (np.hypot(SIDE[:, None], SIDE) < 0.8).astype(float)
    return soft, np.broadcast_to(still, soft.shape)


def disc_of_scores(shift: Any) -> Any:
    """Scores that fall with the distance from the middle of a shifted disc, beside a disc in the middle."""
    across = SIDE[:, None] - np.asarray(shift)[..., None, None]
    _, still = disc(shift)
    return 3.0 * (0.8 - np.hypot(across, SIDE)), still


def missed_and_extra(missed: Any, extra: Any) -> Any:
    """Four entries of the set and four others, of which a share is missed or predicted in vain."""
    p = np.concatenate([np.repeat(1.0 - missed[..., None], 4, -1), np.repeat(extra[..., None], 4, -1)], -1)
    return p, np.broadcast_to(np.repeat([1.0, 0.0], 4), p.shape)


def small_and_large(small: Any, large: Any) -> Any:
    """Classes of 4, 36 and 40 entries: a share of the first two is taken for the third."""
    given = np.repeat(np.eye(3), (4, 36, 40), axis=0)
    missed = np.repeat(beside(small, large, 0.0), (4, 36, 40), axis=-1)[..., None]
    return (1.0 - missed) * given + missed * [0.0, 0.0, 1.0], np.broadcast_to(given, (*missed.shape[:-1], 3))


SEGMENTATION = {
    "dice_loss": Entry(
        "For masks of which a small part belongs to the set. Not for single pixels, nor where the size of "
        "the set should count: large and small weigh the same.",
        Sliding(Line(disc, "", {"axis": (-2, -1)}), (-2.0, 2.0), DISC, DISC, round=True),
    ),
    "jaccard_loss": Entry(
        "The same for what is judged by intersection over union; it is stricter in between. Not for single "
        "pixels.",
        Sliding(Line(disc, "", {"axis": (-2, -1)}), (-2.0, 2.0), DISC, DISC, round=True),
    ),
    "tversky_loss": Entry(
        "`dice_loss` where what is missed and what is predicted in vain weigh differently (here 0.7 and "
        "0.3). Not where they weigh the same.",
        Map(
            ("missed", "predicted in vain"),
            ((0.0, 1.0), (0.0, 1.0)),
            missed_and_extra,
            {"axis": -1, "alpha": 0.3, "beta": 0.7},
        ),
    ),
    "focal_tversky_loss": Entry(
        "`tversky_loss` to a power: above 1 hard sets count more, below 1 nearly finished ones. Not without "
        "tuning: the power changes the pace.",
        Map(
            ("missed", "predicted in vain"),
            ((0.0, 1.0), (0.0, 1.0)),
            missed_and_extra,
            {"axis": -1, "alpha": 0.3, "beta": 0.7, "gamma": 2.0},
        ),
    ),
    "generalized_dice_loss": Entry(
        "For several classes at once, of which rare ones should not drown: they weigh more. Not where "
        "frequent ones are to be right first.",
        Map(
            ("missed of 4 entries", "missed of 36"),
            ((0.0, 1.0), (0.0, 1.0)),
            small_and_large,
            {"axis": -2, "class_axis": -1},
        ),
    ),
    "lovasz_hinge_loss": Entry(
        "For masks that are judged by intersection over union, from scores, with a margin: an error counts "
        "by what it costs of that. Not for probabilities: see `lovasz_softmax_loss`.",
        Sliding(Line(disc_of_scores, "", {"axis": (-2, -1)}), (-2.0, 2.0), DISC, DISC, round=True),
    ),
    "lovasz_softmax_loss": Entry(
        "The same of the probabilities of several classes, which all weigh alike, a small one as much as a "
        "large one. Not from logits: take their softmax first.",
        Map(
            ("missed of 4 entries", "missed of 36"),
            ((0.0, 1.0), (0.0, 1.0)),
            small_and_large,
            {"axis": -2, "class_axis": -1},
        ),
    ),
}

BOX, WIDE = (-0.8, -0.8, 1.6, 1.6), (-1.0, -0.5, 2.0, 1.0)


def sliding(moved: tuple[float, float, float, float] = BOX) -> Sliding:
    def boxes(shift: Any) -> Any:
        left, top, wide, high = moved
        first = beside(left + shift, top, left + wide + shift, top + high)
        left, top, wide, high = BOX
        return first, np.broadcast_to([left, top, left + wide, top + high], first.shape)

    return Sliding(Line(boxes), (-3.0, 3.0), BOX, moved)


BOXES = {
    "box_iou_loss": Entry(
        "For boxes that overlap already, judged by what they share. Not for boxes apart: the slope is 0 "
        "there.",
        sliding(),
    ),
    "giou_loss": Entry(
        "For boxes that may lie apart: the space between them counts as well. Not where one box lies within "
        "the other: then it is `box_iou_loss`.",
        sliding(),
    ),
    "diou_loss": Entry(
        "For boxes whose centers should meet, also where one lies within the other. Not where proportions "
        "should count: see `ciou_loss`.",
        sliding(),
    ),
    "ciou_loss": Entry(
        "`diou_loss` that compares proportions, too. Not for boxes of hardly any size: the slope by their "
        "proportions is steep.",
        sliding(WIDE),
    ),
}


def around(*degrees: float) -> Any:
    return beside(np.cos(np.radians(degrees)), np.sin(np.radians(degrees)))


BATCH = around(15, 75, 200, 50, 125, 300)
LABELS = (0, 0, 0, 1, 1, 1)
QUERIES, KEYS = around(20, 95, 170, 290), around(60, 50, 200, 320)
LABELLED = (BATCH, np.asarray(LABELS))
TWO_SIDES = (QUERIES, KEYS), ((0,) * 4, (1,) * 4)

# Two views of five rows, uncentred and of little spread along one axis; they are no unit vectors.
VIEWS = (
    np.asarray([[0.2, 0.1], [0.5, 0.4], [0.8, 0.6], [1.1, 0.8], [1.4, -0.2]]),
    np.asarray([[0.2, -0.4], [0.75, 0.1], [1.1, 1.0], [0.9, 0.3], [1.5, 0.3]]),
)
BOTH = ((0,) * 5, (1,) * 5)

CONTRASTIVE = {
    "info_nce_loss": Entry(
        "For pairs of two views, each against all others of a large batch. Not for small batches, nor where "
        "others of the batch may be alike.",
        Arrows(*TWO_SIDES, {"temperature": 0.5}),
    ),
    "siglip_loss": Entry(
        "The same with a yes or no for each pair, without a softmax over the batch. Not where scale and "
        "bias cannot be trained along: their best values vary.",
        Arrows(*TWO_SIDES, {"scale": 4.0, "bias": -2.0}),
    ),
    "supervised_contrastive_loss": Entry(
        "For embeddings of labelled batches with several of each label. Not where labels occur once: such "
        "rows count 0.",
        Arrows(LABELLED, (LABELS,), {"temperature": 0.5}),
    ),
    "nt_xent_loss": Entry(
        "For two or more views of each sample, labelled by the sample. Not with few negatives.",
        Arrows(LABELLED, (LABELS,), {"temperature": 0.5}),
    ),
    "circle_loss": Entry(
        "For labelled batches, where pairs far from their aim should be pulled most. Not for vectors that "
        "are not normalised.",
        Arrows(LABELLED, (LABELS,), {"gamma": 4.0}),
    ),
    "hard_triplet_loss": Entry(
        "For labelled batches: of each row the farthest alike and the nearest unlike alone. Not with wrong "
        "labels, which are the hardest of all.",
        Arrows(LABELLED, (LABELS,)),
    ),
    "multi_similarity_loss": Entry(
        "For labelled batches, with pairs weighed against each other. Not for vectors that are not "
        "normalised.",
        Arrows(LABELLED, (LABELS,), {"beta": 5.0}),
    ),
    "vicreg_loss": Entry(
        "For two views of a batch without negatives: pairs together (round and square), all of them apart by "
        "a variance of 1, without correlation. Not where scales have a meaning, nor with its three "
        "weights untuned.",
        Arrows(VIEWS, BOTH, {"variance": 1.0, "covariance": 0.5, "invariance": 1.0}, on_circle=False),
    ),
    "barlow_twins_loss": Entry(
        "The same by correlations: of one column in both views 1, of different ones 0, so that scales do not "
        "matter. Not with batches of few rows, whose correlations are noise.",
        Arrows(VIEWS, BOTH, {}, on_circle=False),
    ),
}

PEAKS = np.asarray([0.3, 0.0, -0.9]), np.asarray([-1.6, 1.0, 3.0]), np.log([0.5, 0.9, 0.4])


def mixture(y: Any) -> Any:
    return *(np.broadcast_to(part, (*y.shape, 3)) for part in PEAKS), y


def components(y: Any) -> Any:
    """Their densities, each with its share."""
    logits, means, log_scales = PEAKS
    z = (y[:, None] - means) / np.exp(log_scales)
    return np.exp(logits) / np.exp(logits).sum() * np.exp(-z * z / 2 - log_scales) / np.sqrt(2 * np.pi)


def spoken() -> Any:
    """Log probabilities of a blank and of three classes in 16 frames: each class has a vague time."""
    frame, middle = np.arange(16.0)[:, None], np.asarray([3.0, 7.5, 12.0])
    p = np.concatenate([np.full_like(frame, 0.4), np.exp(-(((frame - middle) / 3.0) ** 2))], axis=1)
    return np.log(p / p.sum(axis=1, keepdims=True))


def one_moves(x: Any, y: Any) -> Any:
    """An ensemble of two vectors, of which one stays, and the target at 0."""
    stays = np.broadcast_to([0.8, 0.6], (*x.shape, 2))
    return np.stack([np.stack([x, y], -1), stays], -2), np.zeros((*x.shape, 2))


OTHERS = {
    "mixture_nll_loss": Entry(
        "For targets that may be here or there, so that one mean would miss both. Not where one peak does: "
        "components are harder to train.",
        Density("target", (-4.0, 5.0), mixture, components),
    ),
    "crps_loss": Entry(
        "For ensembles, or samples of a forecast, in the unit of the target. Not for one prediction: that "
        "is `l1_loss`.",
        Steps((-1.2, -0.3, 0.2, 0.9, 2.2), 0.5),
    ),
    "cox_ph_loss": Entry(
        "For the order of risk, where some were last seen without the event. Not for times themselves, nor "
        "in batches too small to compare.",
        Lives((0.2, 1.0, -0.4, 0.6, 0.0), (2.0, 3.5, 5.0, 6.0, 7.5), (1, 0, 1, 1, 0)),
    ),
    "ctc_loss": Entry(
        "For labels in an order that nobody has laid along the frames, as in speech: every alignment counts "
        "(here of “cat”). Not where the class of each frame is known: see `cross_entropy`.",
        Frames(spoken(), (1, 2, 3), ("-", "c", "a", "t")),
    ),
    "energy_loss": Entry(
        "For ensembles of vectors, such as wind or a path, whose numbers belong together; `crps_loss` of "
        "vectors (here one of two members moves, with the target at 0). Not for numbers of unlike units: "
        "scale them first, for the distance adds them up.",
        Map(
            ("member, first number", "second number"),
            ((-2.0, 2.0), (-2.0, 2.0)),
            one_moves,
        ),
    ),
}

ENTRIES = {**SEGMENTATION, **BOXES, **CONTRASTIVE, **OTHERS}
