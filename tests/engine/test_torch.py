"""PyTorch: the slope in blocks behind autograd, and every case in which the formula has to run whole."""

from __future__ import annotations

import pytest
import torch
from matrix import Call, every_attached_case, every_case, floating, wrong_slope

import xlosses
from xlosses._engine import torch as engine
from xlosses._engine.torch import LARGE

torch.manual_seed(0)


def node_of(loss) -> str:
    """The autograd node behind the sum of the terms."""
    node, found = loss.grad_fn, []
    while node is not None:
        found.append(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    return " ".join(found)


@pytest.fixture(autouse=True)
def usual():
    with xlosses.engine("on"):
        yield


@pytest.fixture
def forced():
    with xlosses.engine(5):
        yield


@every_case
def test_the_slope_is_used(on, case, forced):
    call = Call(on, case)
    first, *rest = call.given
    assert "_DerivativesBackward" in node_of(call.loss(reduction="mean")(first.requires_grad_(), *rest))
    with xlosses.engine("off"):
        assert "_DerivativesBackward" not in node_of(call.loss(reduction="mean")(first, *rest))


@every_case
def test_nothing_is_saved_but_the_arguments(on, case, forced):
    call = Call(on, case)
    given = {x.untyped_storage().data_ptr() for x in call.given}
    saved = []

    def pack(x):
        saved.append(x)
        return x

    first, *rest = call.given
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        call.loss(reduction="sum")(first.requires_grad_(), *rest)
    large = [x for x in saved if x.numel() > 1]
    if case.whole:  # the loss itself has made the places of the terms
        large = [x for x in large if x.is_floating_point()]
    assert large
    assert {x.untyped_storage().data_ptr() for x in large} <= given


@every_case
def test_gradients_to_other_arrays_are_those_of_the_formula(on, case, forced):
    call = Call(on, case)
    for name in floating(case):
        call.arrays[name].requires_grad_()
    names = floating(case)
    leaves = [call.arrays[name] for name in names]
    loss = call.loss(reduction="mean")
    found = torch.autograd.grad(loss(*call.given), leaves)
    with xlosses.engine("off"):
        wanted = torch.autograd.grad(loss(*call.given), leaves)
    for x, y in zip(found, wanted, strict=True):
        call.assert_close(x, y.tolist())


@every_attached_case
def test_second_derivatives_are_those_of_the_formula(on, case, forced):
    call = Call(on, case, dtype="float64", n=3)
    first, *rest = call.given
    loss = call.loss(reduction="mean")
    assert torch.autograd.gradgradcheck(lambda x: loss(x, *rest), (first.requires_grad_(),))


@every_case
def test_func_and_forward_mode(on, case, forced):
    call = Call(on, case)
    first, *rest = call.given
    loss = call.loss(reduction="mean")
    for transform in (torch.func.grad(loss), torch.func.jacfwd(loss)):
        found = transform(first, *rest)
        with xlosses.engine("off"):
            assert torch.equal(found, transform(first, *rest))
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(first, torch.ones_like(first))
        found = torch.autograd.forward_ad.unpack_dual(loss(dual, *rest)).tangent
        assert found.item() == pytest.approx(
            torch.func.grad(loss)(first, *rest).sum().item(), rel=1e-5, abs=1e-5
        )


def test_a_change_in_place_is_noticed(forced):
    x, y = torch.randn(20, requires_grad=True), torch.randn(20)
    loss = xlosses.mse_loss(x, y)
    y.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_backward_twice(forced):
    x = torch.randn(20, requires_grad=True)
    loss = xlosses.mse_loss(x, 0.0)
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_gradients_have_the_dtype_of_the_input(dtype, forced):
    x = torch.randn(20, dtype=dtype, requires_grad=True)
    for reduction in ("mean", "none"):
        (gradient,) = torch.autograd.grad(xlosses.huber_loss(x, 0.0, reduction=reduction).sum(), x)
        assert gradient.dtype == dtype


def test_checkpoint_and_modules(forced):
    layer = torch.nn.Linear(6, 3)
    x, labels = torch.randn(8, 6), torch.randint(0, 3, (8,))

    def loss(x):
        return xlosses.cross_entropy(layer(x), labels, reduction="mean")

    loss(x).backward()
    wanted = layer.weight.grad.clone()
    layer.zero_grad()
    torch.utils.checkpoint.checkpoint(loss, x, use_reentrant=False).backward()
    assert torch.allclose(layer.weight.grad, wanted)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_large_arrays_take_blocks_by_themselves(reduction):
    x = torch.randn(LARGE + 100, dtype=torch.float64, requires_grad=True)
    y = torch.randn(LARGE + 100, dtype=torch.float64)

    def gradient():
        loss = xlosses.log_cosh_loss(x, y, reduction=reduction)
        used.append("_DerivativesBackward" in node_of(loss))
        return loss.detach(), torch.autograd.grad(loss.sum(), x)[0]

    used: list[bool] = []
    value, slope = gradient()
    with xlosses.engine("off"):
        whole, wanted = gradient()
    assert used == [True, False]
    assert torch.allclose(value, whole, rtol=1e-12, atol=0)
    assert torch.allclose(slope, wanted, rtol=1e-12, atol=1e-300)


LABELS = torch.tensor([2, 0, 1, 1, 0, 2])
PROBABILITIES = torch.tensor([[0.2, 0.3, 0.5], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]]).repeat(2, 1)


@pytest.mark.parametrize(
    ("targets", "options", "logit", "softmaxes"),
    [
        (LABELS, {}, 0.5, 3),
        (LABELS, {"label_smoothing": 0.25}, 0.5, 3),
        (PROBABILITIES, {}, 0.5, 3),
        (PROBABILITIES, {}, float("-inf"), 4),  # one block with guards, whose slope makes its own
    ],
)
def test_cross_entropy_makes_loss_and_gradient_of_one_softmax(
    targets, options, logit, softmaxes, monkeypatch
):
    x = torch.randn(6, 3)
    x[1, 0] = logit
    x.requires_grad_()
    made = []

    def counted(*args, **kwargs):
        made.append(args)
        return softmax(*args, **kwargs)

    softmax = engine.softmax
    monkeypatch.setattr(engine, "softmax", counted)

    def gradients():
        loss = 3.0 * xlosses.cross_entropy(x, targets, reduction="sum", **options)
        first = torch.autograd.grad(loss, x, retain_graph=True)[0]
        made_for_one = len(made)
        return loss.detach(), first, torch.autograd.grad(loss, x)[0], made_for_one

    with xlosses.engine(6):
        loss, first, second, made_for_one = gradients()
    with xlosses.engine("off"):
        whole, wanted, _, _ = gradients()
    assert made_for_one == softmaxes
    assert torch.allclose(loss, whole, rtol=1e-6)
    assert torch.allclose(first, wanted, atol=1e-6)
    assert torch.allclose(second, wanted, atol=1e-6)


def test_blocks_of_cross_entropy_make_their_softmax_in_one_memory(monkeypatch):
    x, places = torch.randn(6, 3), set()

    def placed(x, out=None):
        places.add(out.data_ptr())
        return softmax(x, out)

    softmax = engine.softmax
    monkeypatch.setattr(engine, "softmax", placed)
    with xlosses.engine(6):
        found = xlosses.cross_entropy(x, LABELS)
    assert len(places) == 1
    assert torch.allclose(found, torch.nn.functional.cross_entropy(x, LABELS, reduction="none"))


def test_a_kept_gradient_notices_a_change_of_its_array(forced):
    x = torch.randn(6, 3, requires_grad=True)
    loss = xlosses.cross_entropy(x, LABELS, reduction="mean")
    with torch.no_grad():
        x += 1.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_no_gradient_no_graph():
    x = torch.randn(LARGE + 100, requires_grad=True)
    with torch.no_grad():
        assert not xlosses.mse_loss(x, 0.0).requires_grad


def test_compiled_by_the_slope():
    """Told from the formula's derivative by being wrong."""

    def loss(x, y):
        return xlosses.evaluate(wrong_slope, dict(x=x, y=y), dict(factor=2.0), "sum")

    def gradients(*needing):
        x, y = (torch.tensor([1.0, 2.0, 3.0], requires_grad=name in needing) for name in "xy")
        torch.compiler.reset()
        torch.compile(loss, fullgraph=True, backend="aot_eager")(x, y).backward()
        return [None if t.grad is None else t.grad.tolist() for t in (x, y)]

    assert gradients("x") == [[20.0, 40.0, 60.0], None]
    assert gradients("y") == [None, [2.0, 4.0, 6.0]]
    assert gradients("x", "y") == [[2.0, 4.0, 6.0], [2.0, 4.0, 6.0]]
    with xlosses.engine("off"):
        assert gradients("x") == [[2.0, 4.0, 6.0], None]


def derivatives_of(loss):
    """The node of the slope in the graph of a loss, or None where autograd differentiates by itself."""
    nodes = [loss.grad_fn]
    for node in nodes:
        if "_Derivatives" in str(node):
            return node
        nodes += [following for following, _ in node.next_functions if following is not None]
    return None


@pytest.mark.parametrize(
    ("entries", "by_slope", "kept"),
    [(16_384, False, False), (16_385, True, True), (524_288, True, True), (524_289, True, False)],
)
def test_from_which_size_on_a_slope_is_run_and_kept(entries, by_slope, kept):
    """What the figures of the benchmark were measured with."""
    node = derivatives_of(xlosses.mse_loss(torch.zeros(entries, requires_grad=True), 1.0))
    assert (node is not None) == by_slope
    assert (by_slope and node.gradients is not None) == kept


def test_a_number_that_changes_between_compiled_calls_keeps_its_digits():
    torch.compiler.reset()
    compiled = torch.compile(xlosses.quantile_loss, fullgraph=True, backend="aot_eager")
    x, y = torch.ones(4, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    for level in (0.1, 0.3, 0.7):  # none of which float32 holds; from the second call on they are tensors
        assert compiled(x, y, quantile=level, reduction="none")[0].item() == 1.0 - level


def dense_info_nce(q, k, t):
    return torch.nn.functional.cross_entropy(q @ k.T / t, torch.arange(len(q)))


def dense_siglip(q, k, t):
    side = 2 * torch.eye(len(q), dtype=q.dtype) - 1
    return -torch.nn.functional.logsigmoid(side * (t * (q @ k.T) - 1.5)).sum() / len(q)


def dense_supervised(q, k, t):
    itself, labels = torch.eye(len(q), dtype=torch.bool), torch.arange(len(q)) % 700
    log_p = torch.log_softmax((q @ q.T / t).masked_fill(itself, -torch.inf), 1)
    alike = (labels[:, None] == labels) & ~itself
    return -(log_p.masked_fill(~alike, 0).sum(1) / alike.sum(1).clamp(min=1)).mean() + 0 * k.sum()


DENSE = {
    "info_nce": (dense_info_nce, lambda q, k, t: xlosses.info_nce_loss(q, k, temperature=t)),
    "CLIP": (
        lambda q, k, t: (dense_info_nce(q, k, t) + dense_info_nce(k, q, t)) / 2,
        lambda q, k, t: xlosses.info_nce_loss(q, k, temperature=t, symmetric=True),
    ),
    "siglip": (dense_siglip, lambda q, k, t: xlosses.siglip_loss(q, k, scale=t, bias=-1.5)),
    "supervised": (
        dense_supervised,
        lambda q, k, t: (
            xlosses.supervised_contrastive_loss(q, torch.arange(len(q)) % 700, temperature=t) + 0 * k.sum()
        ),
    ),
}


@pytest.mark.parametrize(("dense", "ours"), DENSE.values(), ids=DENSE)
@pytest.mark.parametrize("n", [1, 701, 2200])
def test_a_batch_in_chunks_is_what_pytorch_makes_of_all_at_once(dense, ours, n):
    """The largest in two chunks, as usual: the gradients by all three then come from the vjp."""
    q, k, t = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((n, 6), (n, 6), ()))
    t = (0.8 + 0.01 * t).detach().requires_grad_()
    with torch.no_grad():
        q *= 0.5
    with xlosses.engine("on"):
        value = ours(q, k, t)
        found = torch.autograd.grad(value, (q, k, t))
        if n > 2048:
            assert "_Derivatives" in node_of(value)
    wanted = torch.autograd.grad(dense(q, k, t), (q, k, t))
    for x, y in zip((value, *found), (dense(q, k, t), *wanted), strict=True):
        assert torch.allclose(x, y, rtol=1e-10, atol=1e-14)


def test_hessian_diagonal_is_not_compiled():
    compiled = torch.compile(xlosses.hessian_diagonal(xlosses.huber_loss), backend="eager")
    with pytest.raises(TypeError, match="cannot trace hessian_diagonal"):
        compiled(torch.tensor([0.5, 4.0]), torch.zeros(2))
