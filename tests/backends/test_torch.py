"""What is particular to PyTorch: the graph, autocast, modules, fake tensors, the compiler."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
import torch
from matrix import Call, every_attached_case, every_case, one_of_each_sort
from torch._dynamo.testing import CompileCounterWithBackend

import xlosses
from xlosses._engine import torch_private
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


@every_attached_case
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
    "smoothing": lambda x, k: xlosses.cross_entropy(x, torch.tensor(0), label_smoothing=k),
}


@pytest.mark.parametrize("loss", NUMBERS.values(), ids=NUMBERS)
def test_compiled_with_a_changing_number(loss):
    torch.compiler.reset()
    counted = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(loss, fullgraph=True, backend=counted)
    x = torch.tensor([0.5, 4.0])
    for k in range(1, 9):
        assert torch.allclose(compiled(x, k / 16), loss(x, k / 16), rtol=1e-6)
    assert counted.frame_count <= 2  # once for a constant, once for any number


@one_of_each_sort
def test_compiled_once_for_batches_of_any_size(on, case):
    """And its graph is one node, inside which Python need not look at every call."""
    torch.compiler.reset()
    counted = CompileCounterWithBackend("aot_eager")
    call = Call(on, case)
    loss = call.loss(reduction="mean")
    compiled = torch.compile(loss, fullgraph=True, dynamic=True, backend=counted)
    for times in (1, 2, 3):
        first, *rest = (
            x if case.is_shared(name) else x.repeat(times, *(1 for _ in x.shape[1:]))
            for name, x in call.arrays.items()
        )
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
    # The compiler of PyTorch 2.6 names the line that raises, not what it raises.
    message = r"delta must be a number > 0, got -1\.0|delta = positive\(delta=delta\)"
    with pytest.raises(Exception, match=message):
        loss(torch.tensor([1.0]), 0.0, -1.0)


REFUSED = {
    "a nested tensor": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "a nested tensor; convert it by to_padded_tensor": lambda: torch.nested.nested_tensor(
        [torch.ones(2), torch.ones(3)], layout=torch.jagged
    ),
    "a MaskedTensor; pass": lambda: torch.masked.masked_tensor(
        torch.ones(3), torch.tensor([True, False, True])
    ),
    "a sparse tensor; convert it by to_dense": lambda: torch.ones(2, 2).to_sparse(),
}


@pytest.mark.parametrize("message", REFUSED)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tensors_that_do_not_compute_as_dense_ones(message):
    with pytest.raises(TypeError, match=f"predictions is {message}"):
        xlosses.mse_loss(REFUSED[message](), 0.0)


def test_a_sparse_tensor_beside_a_dense_one_that_was_right():
    x = torch.ones(2, 2)
    assert xlosses.mse_loss(x, x) == 0.0
    with pytest.raises(TypeError, match="targets is a sparse tensor"):
        xlosses.mse_loss(x, x.to_sparse())


@pytest.mark.parametrize("axis", [0, 1])
def test_mapped_over_rows_along_another_axis(axis):
    x, labels = torch.randn(4, 3, 3), torch.randint(0, 3, (4, 3))
    for loss, rest in ((xlosses.cross_entropy, labels), (xlosses.kl_div_loss, x)):
        found = torch.func.vmap(lambda x, y, loss=loss: loss(x, y, axis=axis))(x, rest)
        wanted = torch.stack([loss(row, y, axis=axis) for row, y in zip(x, rest, strict=True)])
        assert torch.allclose(found, wanted, atol=1e-6)


def test_a_formula_of_a_closure_is_compiled():
    torch.compiler.reset()

    @xlosses.formula
    def doubled(xp, x, y):
        return 2.0 * (x - y)

    loss = torch.compile(
        lambda x: xlosses.evaluate(doubled, dict(x=x, y=0 * x), reduction="sum"),
        fullgraph=True,
        backend="aot_eager",
    )
    assert loss(torch.ones(3)) == 6.0


def test_traces_leave_nothing_behind():
    """A graph holds the name of a formula, which is one however often it is traced."""
    key, before = huber.key, set(vars(huber))
    x = torch.tensor([0.5, 4.0])
    for _ in range(3):
        torch.compiler.reset()
        torch.compile(xlosses.huber_loss, fullgraph=True, backend="aot_eager")(x, 0.0)
    assert (huber.key, set(vars(huber))) == (key, before)
    assert key == "xlosses.losses.regression.huber"


def test_compiled_with_sizes_that_change_to_none():
    torch.compiler.reset()
    loss = torch.compile(
        lambda x, y: xlosses.cross_entropy(x, y, reduction="mean"),
        fullgraph=True,
        dynamic=True,
        backend="aot_eager",
    )
    for n in (5, 0, 3):
        x, y = torch.zeros(n, 3), torch.zeros(n, dtype=torch.int64)
        assert loss(x, y) == pytest.approx(1.0986123 if n else 0.0)


@pytest.mark.parametrize("n", [20_000, 200_000])
@pytest.mark.parametrize("name", ["mse_loss", "gaussian_nll_loss", "cross_entropy"])
def test_many_gradients_at_once(n, name):
    rest = {"gaussian_nll_loss": (0.0, 1.0), "mse_loss": (0.0,)}.get(name, (torch.arange(n // 4) % 4,))

    def loss(x):
        x = x.reshape(-1, 4) if name == "cross_entropy" else x
        return getattr(xlosses, name)(x, *rest, reduction="sum")

    x = torch.linspace(-1, 1, n, requires_grad=True)
    factors = torch.tensor([1.0, -3.0])
    (many,) = torch.autograd.grad(loss(x), x, factors, is_grads_batched=True)
    (one,) = torch.autograd.grad(loss(x), x)
    assert torch.allclose(many, factors[:, None] * one, atol=1e-6)


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
def test_traced_by_make_fx(mode):
    from torch.fx.experimental.proxy_tensor import make_fx

    x, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])

    def loss(x, labels):
        return xlosses.cross_entropy(x, labels, reduction="mean")

    traced = make_fx(loss, tracing_mode=mode)(x, labels)
    assert torch.allclose(traced(2 * x, labels.flip(0)), loss(2 * x, labels.flip(0)))


def test_value_and_grad_inside_a_graph():
    torch.compiler.reset()
    x = torch.tensor([1.0, -2.0])
    for loss, wanted in ((xlosses.mse_loss, x), (lambda x, y: 3.0 * xlosses.mse_loss(2.0 * x, y), 12.0 * x)):
        compiled = torch.compile(xlosses.value_and_grad(loss), fullgraph=True, backend="aot_eager")
        value, gradient = compiled(x, 0.0 * x)
        assert torch.allclose(gradient, wanted)
        assert value == (2.5 if loss is xlosses.mse_loss else 30.0)


def test_labels_of_a_subclass_are_not_looked_at():
    """On a mesh of devices one rank would raise and the others wait for it."""

    class Spread(torch.Tensor):
        pass

    x, labels = torch.zeros(2, 3), torch.tensor([0, 7]).as_subclass(Spread)
    found = xlosses.cross_entropy(x, labels)
    assert found.isnan().tolist() == [False, True]


PRIVATE = {
    "_are_functorch_transforms_active": torch._C,
    "_len_torch_dispatch_stack": torch._C,
    "is_batchedtensor": torch._C._functorch,
    "is_legacy_batchedtensor": torch._C._functorch,
    "_current_level": torch.autograd.forward_ad,
    "_is_compiling_flag": torch.compiler,
    "detect_fake_mode": torch._guards,
    "GuardOnDataDependentSymNode": torch.fx.experimental.symbolic_shapes,
    "ignore_fresh_unbacked_symbols": torch.fx.experimental.symbolic_shapes.ShapeEnv,
}


def without_name(name, monkeypatch):
    """Hide a name from the engine, but not from PyTorch, which reads it as well."""
    monkeypatch.setattr(
        torch_private,
        "getattr",
        lambda owner, other, default: default if other == name else getattr(owner, other, default),
        raising=False,
    )


@pytest.mark.parametrize("name", PRIVATE)
def test_a_private_name_of_pytorch_may_be_gone(name, monkeypatch):
    assert hasattr(PRIVATE[name], name)
    x = torch.linspace(-1, 1, 200_000, requires_grad=True)
    small = torch.linspace(-1, 1, 99, requires_grad=True)
    labels = torch.arange(50_000) % 4

    def mse(x):
        return xlosses.mse_loss(x, 0.0)

    def cross_entropy(x):
        return xlosses.cross_entropy(x.reshape(-1, 4), labels, reduction="mean")

    def results():
        found = []
        for loss in (mse, cross_entropy):
            value, constant = loss(x), x.detach()
            found += [value, torch.autograd.grad(value, x)[0], torch.func.grad(loss)(constant)]
            found.append(torch.func.jvp(loss, (constant,), (torch.ones_like(x),))[1])
            factors = torch.tensor([1.0, -3.0])
            found += torch.autograd.grad(loss(x), x, factors, is_grads_batched=True)
        torch.compiler.reset()
        compiled = torch.compile(xlosses.huber_loss, fullgraph=True, backend="aot_eager")
        for delta in (0.25, 0.5, 0.75):  # from the second call on a number that changes
            value = compiled(small, 0.0, delta, "mean")
            found += [value, torch.autograd.grad(value, small)[0]]
        return found

    wanted = results()
    without_name(name, monkeypatch)
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(results(), wanted, strict=True))


@pytest.mark.parametrize("name", ["_are_functorch_transforms_active", "_len_torch_dispatch_stack"])
def test_without_a_private_name_large_arrays_run_whole(name, monkeypatch):
    x = torch.linspace(-1, 1, 200_000, requires_grad=True)
    with xlosses.engine("on"):
        assert "_Derivatives" in str(xlosses.mse_loss(x, 0.0).grad_fn.next_functions)
        without_name(name, monkeypatch)
        assert "_Derivatives" not in str(xlosses.mse_loss(x, 0.0).grad_fn.next_functions)
