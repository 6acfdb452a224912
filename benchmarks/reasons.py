"""Why a goal of `targets.py` is missed, as the page of the benchmarks says it."""

from __future__ import annotations

from collections.abc import Mapping

IN_THE_CACHE = "In the last-level cache one kernel of PyTorch's beats our four to eight on blocks."
BY_AUTOGRAD = (
    "Up to 16 thousand elements our formula goes through autograd operation by operation, where PyTorch has "
    "a kernel each way, or the textbook two or three."
)

SERIES = (
    "Where mean and target are close the loss is a series, which keeps its relative accuracy; the textbook's "
    "terms cancel there."
)
LABELS_COSINE = (
    "The largest is taken off before the exponential, with the label's cosine in its place: two passes more "
    "than the textbook, which overflows from a scale of 88 on."
)
RIVALS = (
    "The largest of the others is looked for without the label's score, and equal ones share the gradient."
)
BOXES_APART = (
    "What boxes do not have in common is summed up, not subtracted from 1, so that small losses are exact."
)
OVERLAP = (
    "Three sums of products instead of two and no difference of sums, so that small losses are exact; each "
    "is a pass over both arrays."
)
IN_THE_CACHE_2M = "Two operations; all arrays of 2 million entries stay in the last-level cache."
NAN_IS_KEPT = (
    "NaN comes out as NaN, which takes a sign and two additions; the peer's maximum skips it inside of a sum."
)
XLA_BRANCHES = (
    "Value and gradient in one loop, in which XLA makes a branch of the side of a logit; alone each is as "
    "fast as the peer's."
)

# A pattern of the name of a row ("torch huber_loss 2M forward+backward"; in memory and calls as well,
# where a call has no way) or of the text of a target -> why it is missed, as one sentence.
REASONS: Mapping[str, str] = {
    # Calls have neither size nor way.
    "* *_loss": "Checks, and on PyTorch guards of rare values, are not in the bare formula.",
    "* *cross_entropy": (
        "Guards of rare values are not in the bare formula, nor the check of the labels: two reductions and "
        "two reads."
    ),
    **dict.fromkeys(
        (f"jax {loss} *" for loss in ("huber_loss", "smooth_l1_loss", "hinge_loss", "quantile_loss")),
        NAN_IS_KEPT,
    ),
    "jax multiclass_[hp]* *": (
        "Whether there is a NaN in a long row is a second pass over it; the peer's maximum skips it."
    ),
    "jax *mape_loss *": "The divisor is bounded from below by a selection, which XLA does not vectorise.",
    "jax soft_margin_loss *": (
        "As fast as the peer on 2 million elements, and alone on 20 million; why not there with its gradient "
        "is not known."
    ),
    # Of other losses, on all frameworks.
    "* hard_triplet_loss *": (
        "Every distance is that of a difference, N x N x D of them, so that close embeddings keep their "
        "digits; the textbook's come of one product of matrices, and lose them."
    ),
    "* gamma_deviance_loss *": SERIES,
    "* poisson_deviance_loss *": SERIES,
    "* general_robust_loss *": (
        "Small errors are exact: by expm1 and log1p, where the textbook subtracts 1 from a number near 1."
    ),
    "* ctc_loss *": "Each frame is some fifty calls from Python; the peer is one kernel.",
    "* msle_loss *": (
        "One logarithm of a quotient, exact for numbers that are close; it is seven operations beside the "
        "textbook's two logarithms and their difference."
    ),
    "* arcface_loss *": LABELS_COSINE,
    "* cosface_loss *": LABELS_COSINE,
    "* lovasz_*": (
        "The order is stable, so that frameworks agree where errors are equal, which takes a slower sort; "
        "the gradient is put back by a sort of that order."
    ),
    "* multiclass_perceptron_loss *": RIVALS,
    "* multiclass_hinge_loss *": RIVALS,
    "* multi_margin_loss *": (
        "The label's own margin is left out by a mask; the textbook adds and subtracts it, in rounding, too."
    ),
    "* box_iou_loss *": BOXES_APART,
    "* giou_loss *": BOXES_APART,
    "* dice_loss *": OVERLAP,
    "* jaccard_loss *": OVERLAP,
    "* focal_tversky_loss *": OVERLAP,
    "* generalized_dice_loss *": OVERLAP,
    "* contrastive_loss *": (
        "The square of a distance is that of a norm which cannot overflow, beside a mask of alike pairs."
    ),
    "* cosine_distance_loss *": (
        "Small distances are exact: of the difference of unit vectors, not 1 less a cosine."
    ),
    "* triplet_loss (swap) *": "Three norms that cannot overflow, and ties that share the gradient.",
    "* hinge_embedding_loss *": "A target that is NaN comes out as NaN, a second selection.",
    "* brier_loss *": IN_THE_CACHE_2M,
    "* sigmoid_focal_loss *": XLA_BRANCHES,
    "* binary_cross_entropy (weighed) *": XLA_BRANCHES,
    "* sparsemax_loss *": "Two bounds of a clip that depend on the target, each a selection on JAX.",
    "* gaussian_nll_loss (beta *": (
        "A negative variance gives NaN, a selection beside the logarithm that costs XLA as much as that."
    ),
    "NumPy: 20M *": (
        "NumPy takes temporary arrays in huge pages, so they cost the textbook little here: where it "
        "writes one of them, as in MSE, there is nothing to save but the writing, and every operation on a "
        "block in the cache still takes 0.13 ns per element, a logarithm or exponential 0.5 to 0.8."
    ),
    "NumPy: 2M *": (
        "Inputs and temporaries of 2 million elements stay in the last-level cache of this processor "
        "(32 MB): what is left are the operations, and ours are as many or, with guards, more."
    ),
    "numpy nll_loss *": "The loss is one gather of a label per row; the check of the labels takes as long.",
    "numpy log_cosh_loss *": (
        "log(cosh), the textbook, is three operations, and wrong for errors below 3e-4 and beyond 89; "
        "ours, right for all, is seven."
    ),
    "numpy binary_cross_entropy (probabilities) *": (
        "The textbook is infinite or NaN at probabilities of 0 and 1; ours clamps both logarithms."
    ),
    "numpy gaussian_nll_loss *": "Negative variances are looked for, and error * error is not formed.",
    "numpy cross_entropy*": (
        "Two thirds of the time are the exponentials, which the peers compute as well; the rest is what "
        "blocks save."
    ),
    "numpy kl_div_loss *": "Two thirds of the operations' time is the exponential, as in the textbook.",
    "numpy *": "Two or three operations on two inputs: reading these is most of it, for the peer as well.",
    "JAX outside jit*64*": (
        "A compiled call takes 13 to 32 µs, of which the checks that need Python are 5; the peers whose "
        "loss is two or three operations take 40 to 60 op by op."
    ),
    "jax * 64* compiled*": (
        "As many kernels as the peer's, but more operations, so XLA hands the program to another thread: "
        "16 µs for 6."
    ),
    "jax triplet_loss *": (
        "The slope has guards of its own, so that XLA writes it on one side of a branch, and once more "
        "multiplied by what came back."
    ),
    "jax gaussian_nll_loss *": (
        "A negative variance gives NaN, a selection beside the logarithm that costs XLA as much as that."
    ),
    "jax nll_loss *": "The loss is one gather of a label per row; labels out of range are made NaN.",
    "torch nll_loss *": (
        "The loss is one gather of a label per row; what is left is the way there and the check of the "
        "labels, 50 to 100 µs."
    ),
    "torch linear_cross_entropy 1024*": (
        "The fastest peer is our own cross entropy of all logits, 33 MB here. PyTorch's of them takes as "
        "long as ours."
    ),
    "torch linear_cross_entropy 4096*": (
        "The fastest peer is our own cross entropy of all logits, which holds these and their gradient; "
        "beside PyTorch's, 1573 MB, it is 0.105. The gradients by both arrays are 37 MB."
    ),
    "torch * 10k *": BY_AUTOGRAD,
    "torch * 100k *": IN_THE_CACHE,
    "torch * 500k *": IN_THE_CACHE,
    "torch * 2M *": IN_THE_CACHE,
    "torch * 4096x1000 *": "In the last-level cache PyTorch's two kernels beat our five on blocks.",
    "PyTorch compiled": (
        "torch.compile checks at every call what the Python code on the way to a loss looked at, some 100 "
        "guards, 3 to 8 µs. On large arrays it is the guards of rare values, which the peers lack: 0 times "
        "infinity in KL, cross entropy and binary cross entropy, scaled vectors."
    ),
    "JAX inside jit, forward, other losses*": (
        "XLA fuses the textbook into one loop as it does ours. What is left are exact forms and guards by "
        "selections, which it does not vectorise; with the gradient, slopes make up for it."
    ),
    "NumPy, forward+backward, other losses*": (
        "The peers are gradients by hand, of few operations; beyond the cache the mean is 0.95."
    ),
    "MLX, other losses*": (
        "MLX computes each formula with its guards, both sides of every selection; a selection by itself "
        "takes it ten to twenty times as long as an addition on a CPU."
    ),
    "mlx *": "Guards, by selections, of which MLX computes both sides.",
    "MLX": (
        "On 64 elements our way there, 30 to 60 µs of Python, is as long as the peer's whole call. From 2 "
        "million elements the mean is near 1: a selection takes MLX 20 times as long as an addition on a "
        "CPU, so the losses whose guards select are slower than losses without guards."
    ),
    "MLX compiled": (
        "On 64 elements a sum in stages and a slope are kernels of their own. Vectors are scaled, which the "
        "peers do not do, and a logarithm at 0 is guarded by selections."
    ),
}
