"""Loss functions written once against the array API standard."""

import typing as _t

from xlosses._core.formula import formula
from xlosses._engine import engine
from xlosses._evaluate import evaluate
from xlosses._hessian_diagonal import hessian_diagonal
from xlosses._sums import sums
from xlosses._value_and_grad import value_and_grad
from xlosses.losses.adaptive import general_robust_loss
from xlosses.losses.angular import arcface_loss, cosface_loss
from xlosses.losses.batch_statistics import barlow_twins_loss, vicreg_loss
from xlosses.losses.binary import binary_cross_entropy
from xlosses.losses.boxes import box_iou_loss, ciou_loss, diou_loss, giou_loss
from xlosses.losses.classification import cross_entropy, nll_loss
from xlosses.losses.contrastive import siglip_loss, supervised_contrastive_loss
from xlosses.losses.counts import negative_binomial_nll_loss, poisson_nll_loss
from xlosses.losses.deviance import gamma_deviance_loss, poisson_deviance_loss, tweedie_deviance_loss
from xlosses.losses.distance import cosine_distance_loss
from xlosses.losses.distillation import distillation_loss
from xlosses.losses.divergence import generalized_kl_div_loss, js_div_loss, kl_div_loss
from xlosses.losses.embedding import contrastive_loss, cosine_embedding_loss, cosine_similarity_loss
from xlosses.losses.ensemble import crps_loss, energy_loss
from xlosses.losses.focal import sigmoid_focal_loss, softmax_focal_loss
from xlosses.losses.hardest import hard_triplet_loss
from xlosses.losses.imbalance import focal_tversky_loss, generalized_dice_loss
from xlosses.losses.info_nce import info_nce_loss
from xlosses.losses.likelihood import gaussian_nll_loss, laplace_nll_loss, student_t_nll_loss
from xlosses.losses.linear import linear_cross_entropy
from xlosses.losses.listwise import pairwise_logistic_loss, ranking_softmax_loss
from xlosses.losses.lovasz import lovasz_hinge_loss, lovasz_softmax_loss
from xlosses.losses.margin import (
    hinge_embedding_loss,
    hinge_loss,
    perceptron_loss,
    soft_margin_loss,
    squared_hinge_loss,
)
from xlosses.losses.mining import circle_loss, multi_similarity_loss, nt_xent_loss
from xlosses.losses.mixture import mixture_nll_loss
from xlosses.losses.multiclass import (
    multi_margin_loss,
    multiclass_hinge_loss,
    multiclass_perceptron_loss,
)
from xlosses.losses.multilabel import multilabel_margin_loss, multilabel_soft_margin_loss
from xlosses.losses.ordinal import ordinal_loss
from xlosses.losses.ranking import margin_ranking_loss, triplet_loss
from xlosses.losses.regression import (
    huber_loss,
    l1_loss,
    log_cosh_loss,
    mse_loss,
    smooth_l1_loss,
)
from xlosses.losses.relative import mape_loss, msle_loss, smape_loss
from xlosses.losses.robust import generalized_cross_entropy, poly_cross_entropy, smooth_labels
from xlosses.losses.scoring import brier_loss, quantile_loss
from xlosses.losses.segmentation import dice_loss, jaccard_loss, tversky_loss
from xlosses.losses.sequence import ctc_loss
from xlosses.losses.sparsemax import multiclass_sparsemax_loss, sparsemax_loss
from xlosses.losses.survival import cox_ph_loss

__all__ = [
    "arcface_loss",
    "barlow_twins_loss",
    "binary_cross_entropy",
    "box_iou_loss",
    "brier_loss",
    "ciou_loss",
    "circle_loss",
    "contrastive_loss",
    "cosface_loss",
    "cosine_distance_loss",
    "cosine_embedding_loss",
    "cosine_similarity_loss",
    "cox_ph_loss",
    "cross_entropy",
    "crps_loss",
    "ctc_loss",
    "dice_loss",
    "diou_loss",
    "distillation_loss",
    "energy_loss",
    "engine",
    "evaluate",
    "focal_tversky_loss",
    "formula",
    "gamma_deviance_loss",
    "gaussian_nll_loss",
    "general_robust_loss",
    "generalized_cross_entropy",
    "generalized_dice_loss",
    "generalized_kl_div_loss",
    "giou_loss",
    "hard_triplet_loss",
    "hessian_diagonal",
    "hinge_embedding_loss",
    "hinge_loss",
    "huber_loss",
    "info_nce_loss",
    "jaccard_loss",
    "js_div_loss",
    "kl_div_loss",
    "l1_loss",
    "laplace_nll_loss",
    "linear_cross_entropy",
    "log_cosh_loss",
    "lovasz_hinge_loss",
    "lovasz_softmax_loss",
    "mape_loss",
    "margin_ranking_loss",
    "mixture_nll_loss",
    "mse_loss",
    "msle_loss",
    "multi_margin_loss",
    "multi_similarity_loss",
    "multiclass_hinge_loss",
    "multiclass_perceptron_loss",
    "multiclass_sparsemax_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "negative_binomial_nll_loss",
    "nll_loss",
    "nt_xent_loss",
    "ordinal_loss",
    "pairwise_logistic_loss",
    "perceptron_loss",
    "poisson_deviance_loss",
    "poisson_nll_loss",
    "poly_cross_entropy",
    "quantile_loss",
    "ranking_softmax_loss",
    "siglip_loss",
    "sigmoid_focal_loss",
    "smape_loss",
    "smooth_l1_loss",
    "smooth_labels",
    "soft_margin_loss",
    "softmax_focal_loss",
    "sparsemax_loss",
    "squared_hinge_loss",
    "student_t_nll_loss",
    "sums",
    "supervised_contrastive_loss",
    "triplet_loss",
    "tversky_loss",
    "tweedie_deviance_loss",
    "value_and_grad",
    "vicreg_loss",
]

__version__: str

if not _t.TYPE_CHECKING:

    def __getattr__(name: str) -> str:
        if name == "__version__":  # when asked for: importlib.metadata takes long to import
            from importlib.metadata import version

            return version("xlosses")
        raise AttributeError(f"module 'xlosses' has no attribute {name!r}")
