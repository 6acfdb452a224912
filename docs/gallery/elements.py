"""Losses with a term per element: what the gallery shows and says of them."""

from __future__ import annotations

from typing import Any

from gallery.kinds import Entry, Line, at, curve

ERROR = ("error", (-3.0, 3.0))
LOGIT = ("logit", (-5.0, 5.0))
SCORE = ("score, of target 1", (-3.0, 3.0))


def two(first: str, second: str, make: Any, name: str, values: tuple[Any, Any]) -> tuple[Line, Line]:
    """A line for each of two values of a parameter."""
    return Line(make, first, {name: values[0]}), Line(make, second, {name: values[1]})


YES_OR_NO = (Line(at(1.0), "target 1"), Line(at(0.0), "target 0"))
PAIR = (Line(at(1.0), "alike"), Line(at(-1.0), "unlike"))

REGRESSION = {
    "mse_loss": Entry(
        "For noise that is about normal, and predictions of the mean. Not where outliers should count "
        "little: they count by their square.",
        curve(*ERROR, at(0.0), top=6.0, bottom=-6.0),
    ),
    "l1_loss": Entry(
        "For predictions of the median, with outliers in the data. Not where steps should shrink near the "
        "target: the slope stays 1.",
        curve(*ERROR, at(0.0)),
    ),
    "huber_loss": Entry(
        "For normal noise with some outliers, where you know from which error `delta` on one is an outlier. "
        "Not for targets of changing units: `delta` has theirs.",
        curve(*ERROR, *two("delta 1", "delta 0.5", at(0.0), "delta", (1.0, 0.5))),
    ),
    "smooth_l1_loss": Entry(
        "`huber_loss` divided by `beta`, so that the slope far out is 1 for every `beta`; common for the "
        "corners of boxes. Not where the middle should stay half the squared error.",
        curve(*ERROR, *two("beta 1", "beta 0.25", at(0.0), "beta", (1.0, 0.25))),
    ),
    "log_cosh_loss": Entry(
        "Much like `huber_loss` with `delta=1`, and smooth, for methods that use second derivatives. Not "
        "where the turning point is to be chosen.",
        curve(*ERROR, at(0.0)),
    ),
    "mape_loss": Entry(
        "For errors as a share of the target. Not for targets near 0, nor where predictions that are too "
        "low should cost as much as those too high by the same factor.",
        curve("prediction", (0.0, 4.0), Line(at(1.0), "target 1"), Line(at(2.0), "target 2")),
    ),
    "smape_loss": Entry(
        "For relative errors that are bounded by 2. Not where a prediction that is far off should keep a "
        "slope: it flattens out.",
        curve("prediction", (0.0, 4.0), Line(at(1.0), "target 1"), Line(at(2.0), "target 2"), bottom=-2.1),
    ),
    "msle_loss": Entry(
        "For amounts from 0 up that differ by factors; too low costs more than too high. Not for negative "
        "amounts.",
        curve("prediction", (-0.5, 8.0), at(2.0), bottom=-3.0, top=3.0),
    ),
    "general_robust_loss": Entry(
        "For a choice of how much outliers count: squares at `alpha=2`, hardly at all far below 0. Not with "
        "`alpha` below 1 from a poor start: far errors have little slope.",
        curve(*ERROR, *two("alpha 1", "alpha -2", at(0.0), "alpha", (1.0, -2.0))),
    ),
}

LIKELIHOOD = {
    "gaussian_nll_loss": Entry(
        "For models that predict a variance beside the mean. Not where the variance may grow in place of a "
        "better mean; `beta` lessens that.",
        curve(
            *ERROR,
            Line(at(0.0, 1.0), "variance 1"),
            Line(at(0.0, 0.25), "variance 1/4"),
            top=6.0,
            bottom=-6.0,
        ),
    ),
    "laplace_nll_loss": Entry(
        "The same with `l1_loss` inside: for a predicted spread and data with outliers. Not for noise that "
        "is close to normal.",
        curve(*ERROR, Line(at(0.0, 1.0), "scale 1"), Line(at(0.0, 0.5), "scale 1/2")),
    ),
    "student_t_nll_loss": Entry(
        "For a predicted scale where outliers are to count less and less the further they are; fewer "
        "degrees of freedom, heavier tails. Not where large errors matter most.",
        curve(
            *ERROR,
            Line(at(0.0, 1.0), "1 degree", {"df": 1.0}),
            Line(at(0.0, 1.0), "30 degrees", {"df": 30.0}),
        ),
    ),
}

COUNTS = {
    "poisson_nll_loss": Entry(
        "For counts whose variance is about their mean, from the log rate. Not for counts that scatter "
        "more: see `negative_binomial_nll_loss`.",
        curve(
            "log rate", (-2.0, 2.5), Line(at(1.0), "count 1"), Line(at(4.0), "count 4"), top=12.0, bottom=-6.0
        ),
    ),
    "negative_binomial_nll_loss": Entry(
        "For counts that scatter more than their mean. Not where they scatter less, nor where a Poisson "
        "loss fits: it has one parameter less.",
        curve(
            "mean, of count 3",
            (0.2, 10.0),
            Line(at(3.0, 1.0), "dispersion 1"),
            Line(at(3.0, 20.0), "dispersion 20"),
            bottom=-2.5,
            top=5.0,
        ),
    ),
    "poisson_deviance_loss": Entry(
        "Twice `poisson_nll_loss` of rates less its least value, so that a perfect prediction is 0. Not "
        "from log rates.",
        curve("rate", (0.1, 6.0), Line(at(1.0), "count 1"), Line(at(3.0), "count 3"), top=6.0, bottom=-6.0),
    ),
    "gamma_deviance_loss": Entry(
        "For positive amounts that scatter in proportion to their mean, such as sizes of claims. Not with "
        "amounts of 0.",
        curve("mean", (0.2, 6.0), Line(at(1.0), "target 1"), Line(at(3.0), "target 3"), top=6.0, bottom=-6.0),
    ),
    "tweedie_deviance_loss": Entry(
        "With a power between 1 and 2 for amounts of which many are exactly 0 and the others positive, such "
        "as claims per year. Not without a thought about the power.",
        curve(
            "mean, of target 2",
            (0.2, 8.0),
            *two("power 1.2", "power 1.8", at(2.0), "power", (1.2, 1.8)),
            top=6.0,
            bottom=-6.0,
        ),
    ),
}

BINARY = {
    "binary_cross_entropy": Entry(
        "For yes or no, and for several labels that may all be true, from logits or probabilities. Not for "
        "one class out of several: see `cross_entropy`.",
        curve(*LOGIT, *YES_OR_NO),
    ),
    "sigmoid_focal_loss": Entry(
        "For many easy negatives and few positives, as in detection. Not where the probabilities themselves "
        "are to be right.",
        curve("logit, of target 1", (-5.0, 5.0), *two("gamma 2", "gamma 0", at(1.0), "gamma", (2.0, 0.0))),
    ),
    "sparsemax_loss": Entry(
        "For yes or no where a clear answer should cost exactly nothing, from a logit of 1 on. Not for "
        "probabilities of a logistic model.",
        curve("logit", (-3.0, 3.0), *YES_OR_NO),
    ),
    "brier_loss": Entry(
        "For scoring probabilities with a bound. Not where rare outcomes have to be told apart: 0.01 and "
        "0.0001 cost nearly the same.",
        curve("probability", (0.0, 1.0), *YES_OR_NO),
    ),
}

MARGIN = {
    "hinge_loss": Entry(
        "For classifiers with a margin, with targets of 1 and -1. Not where probabilities are wanted.",
        curve(*SCORE, at(1.0)),
    ),
    "squared_hinge_loss": Entry(
        "`hinge_loss` without the kink. Not with wrong labels: they count by their square.",
        curve(*SCORE, at(1.0), top=9.0, bottom=-6.0),
    ),
    "perceptron_loss": Entry(
        "For linear models that only need the right side. Not where a margin matters: scores of 0 cost "
        "nothing.",
        curve(*SCORE, at(1.0)),
    ),
    "soft_margin_loss": Entry(
        "`binary_cross_entropy` of logits for targets of 1 and -1. Not for targets that are probabilities.",
        curve(*SCORE, at(1.0)),
    ),
    "hinge_embedding_loss": Entry(
        "For distances of pairs that are at hand. Not from the vectors themselves: see `contrastive_loss`.",
        curve("distance", (0.0, 2.5), *PAIR),
    ),
}

SCORING = {
    "quantile_loss": Entry(
        "For a quantile of what may come, or several for an interval. Not for the mean.",
        curve(
            *("prediction less target", (-3.0, 3.0)),
            *two("level 0.5", "level 0.9", at(0.0), "quantile", (0.5, 0.9)),
        ),
    ),
}

ENTRIES = {**REGRESSION, **LIKELIHOOD, **COUNTS, **BINARY, **MARGIN, **SCORING}
