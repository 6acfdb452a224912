"""What is particular to PyTorch: the graph, autocast, modules, fake tensors, the compiler."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
import torch
from matrix import Call, every_case
from torch._dynamo.testing import CompileCounterWithBackend

import xlosses
from xlosses.losses.regression import huber
from xlosses.testing import expected


@every_case
def test_autocast_changes_nothing(on, case):
    call = Call(on, case)
    exact = expected(case, call.data, {}, "mean")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = call.loss(reduction="mean")(*call.given)
    assert found.dtype == torch.float32
    call.assert_close(found, exact.value)


@every_case
def test_double_precision_gradients(on, case):
    call = Call(on, case, n=3, dtype="float64")
    first = call.given[0].requires_grad_(True)
    loss = call.loss(reduction="mean")
    assert torch.autograd.gradcheck(lambda x: loss(x, *call.given[1:]), (first,))
    assert torch.autograd.gradgradcheck(lambda x: loss(x, *call.given[1:]), (first,))


def test_inputs_are_never_detached_or_changed():
    x, y, w = (torch.tensor([1.0, 2.0], requires_grad=True) for _ in range(3))
    loss = xlosses.mse_loss(2 * x, y, weights=w, where=torch.tensor([True, False]))
    loss.backward()
    assert x.grad.tolist() == [4.0, 0.0]
    assert y.grad.tolist() == [-2.0, 0.0]
    assert w.grad.tolist() == [1.0, 0.0]
    assert all(leaf.requires_grad for leaf in (x, y, w))


def test_a_parameter_can_be_learnt():
    delta = torch.tensor(0.5, requires_grad=True)
    xlosses.huber_loss(torch.tensor([2.0]), 0.0, delta, "sum").backward()
    assert delta.grad.item() == 1.5


def test_subclasses_of_tensor():
    parameter = torch.nn.Parameter(torch.tensor([3.0]))
    xlosses.mse_loss(parameter, 1.0).backward()
    assert parameter.grad.tolist() == [4.0]


def test_default_dtype_is_the_users():
    torch.set_default_dtype(torch.float64)
    try:
        assert xlosses.mse_loss(torch.tensor([1]), 0).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_labels_are_not_read_on_the_meta_device():
    x, y = torch.zeros(4, 3, device="meta"), torch.zeros(4, dtype=torch.int64, device="meta")
    assert xlosses.cross_entropy(x, y).shape == (4,)
    assert xlosses.cross_entropy(x, y, reduction="mean").device.type == "meta"


def test_fake_tensors():
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        assert xlosses.cross_entropy(torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64)).shape == (4,)


def test_export():
    class Model(torch.nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return xlosses.cross_entropy(x, y, reduction="mean")

    x, y = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    exported = torch.export.export(Model(), (x, y)).module()
    assert torch.equal(exported(x, y), xlosses.cross_entropy(x, y, reduction="mean"))


def test_first_call_of_a_process_is_compiled():
    """The backend's file is loaded while the compiler traces."""
    code = (
        "import torch, xlosses; f = torch.compile(xlosses.mse_loss, fullgraph=True, backend='aot_eager'); "
        "print(f(torch.tensor([3.0]), 1.0).item())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "4.0\n"
    assert "Warning" not in found.stderr


NUMBERS = {
    "delta": lambda x, k: xlosses.huber_loss(x, 0.0, k),
    "weights": lambda x, k: xlosses.mse_loss(x, 0.0, weights=k),
    "targets": lambda x, k: xlosses.mse_loss(x, k),
    "smoothing": lambda x, k: xlosses.cross_entropy(x, torch.tensor(0), label_smoothing=k / 3),
}


@pytest.mark.parametrize("loss", NUMBERS.values(), ids=NUMBERS)
def test_compiled_with_a_changing_number(loss):
    torch.compiler.reset()
    counted = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(loss, fullgraph=True, backend=counted)
    x = torch.tensor([0.5, 4.0])
    for k in range(1, 9):
        assert torch.allclose(compiled(x, k / 4), loss(x, k / 4), rtol=1e-6)
    assert counted.frame_count <= 2  # once for a constant, once for any number


@every_case
def test_compiled_once_for_batches_of_any_size(on, case):
    """And its graph is one node, inside which Python need not look at every call."""
    torch.compiler.reset()
    counted = CompileCounterWithBackend("aot_eager")
    call = Call(on, case)
    loss = call.loss(reduction="mean")
    compiled = torch.compile(loss, fullgraph=True, dynamic=True, backend=counted)
    for times in (1, 2, 3):
        first, *rest = (x.repeat(times, *(1 for _ in x.shape[1:])) for x in call.given)
        first.requires_grad_()
        found, wanted = compiled(first, *rest), loss(first, *rest)
        assert torch.allclose(found, wanted, rtol=1e-5)
        slopes = (torch.autograd.grad(value, first)[0] for value in (found, wanted))
        assert torch.allclose(*slopes, rtol=1e-5, atol=1e-6)
    assert counted.frame_count <= 2  # once more where two lengths were equal, or a number is asked about
    *_, graph = counted.graphs
    calls = [node.target for node in graph.graph.nodes if node.op == "call_function"]
    assert [f.__name__ for f in calls if "xlosses" in f.__module__] == ["node"]


def test_compiled_with_a_changing_number_that_the_formula_asks_about():
    torch.compiler.reset()
    x = torch.tensor([[0.5, 4.0]])
    loss = torch.compile(
        lambda x, p: xlosses.triplet_loss(x, -x, 2 * x, p=p), fullgraph=True, backend="aot_eager"
    )
    for p in (1.5, 2.5, 3.5, 2.0, 1.0):
        assert torch.allclose(loss(x, p), xlosses.triplet_loss(x, -x, 2 * x, p=p))


@pytest.mark.parametrize("weights", [0.25, 2, True])
def test_compiled_with_numbers_for_weights_and_targets(weights):
    torch.compiler.reset()
    loss = torch.compile(xlosses.mse_loss, fullgraph=True, dynamic=True, backend="aot_eager")
    x = torch.tensor([0.5, 4.0])
    for y in (1.5, 3, 2.25):
        found = loss(x, y, reduction="sum", weights=weights)
        assert found == xlosses.mse_loss(x, y, reduction="sum", weights=weights)


def test_what_is_wrong_in_a_compiled_call_is_raised_as_it_is():
    torch.compiler.reset()
    x = torch.zeros(2, 3)
    with pytest.raises(ValueError, match=r"targets must have the shape \(2, 3\)"):
        torch.compile(lambda x: 2.0 * xlosses.mse_loss(x, x[:, :2]), backend="aot_eager")(x)
    with pytest.raises(TypeError, match="targets must be integer class labels, got dtype float32"):
        torch.compile(lambda x: 2.0 * xlosses.cross_entropy(x, x[:, 0]), backend="aot_eager")(x)


def test_the_compiler_is_not_loaded_for_an_eager_call():
    """It takes a second."""
    code = (
        "import sys, torch, xlosses; x = torch.ones(3, requires_grad=True); "
        "xlosses.mse_loss(x, 0.0, reduction='sum').backward(); "
        "print('torch._dynamo' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_a_graph_outlives_what_is_remembered_of_its_formula():
    torch.compiler.reset()
    x = torch.tensor([0.5, 4.0])
    loss = torch.compile(xlosses.huber_loss, fullgraph=True, backend="eager")  # which runs the node itself
    wanted = [loss(x, 0.0).tolist() for _ in range(2)][1]
    huber.plans.clear()
    huber.programs.clear()
    gc.collect()
    with torch.compiler.set_stance("fail_on_recompile"):
        assert loss(x, 0.0).tolist() == wanted


def test_compiled_with_an_invalid_number():
    torch.compiler.reset()
    loss = torch.compile(xlosses.huber_loss, fullgraph=True, backend="aot_eager")
    with pytest.raises(Exception, match=r"delta must be a number > 0, got -1\.0"):
        loss(torch.tensor([1.0]), 0.0, -1.0)
