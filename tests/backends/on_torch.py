from collections.abc import Callable
from typing import Any

import torch
from adaptor import Adaptor

from xlosses._backends import load_workbench


def compiled(f: Callable[..., Any]) -> Callable[..., Any]:
    torch.compiler.reset()
    return torch.compile(f, fullgraph=True, backend="aot_eager")


def by_backward(f: Callable[..., Any]) -> Callable[..., Any]:
    def gradient(x: torch.Tensor, *rest: torch.Tensor) -> Any:
        leaf = x.detach().clone().requires_grad_(True)
        f(leaf, *rest).backward()
        return leaf.grad

    return gradient


def by_double_backward(f: Callable[..., Any]) -> Callable[..., Any]:
    def hessian(x: torch.Tensor) -> torch.Tensor:
        leaf = x.detach().clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(f(leaf), leaf, create_graph=True)
        if not gradient.requires_grad:  # linear: the gradient is a constant
            return torch.zeros(x.numel(), x.numel())
        rows = [
            torch.autograd.grad(g, leaf, retain_graph=True, materialize_grads=True)[0]
            for g in gradient.reshape(-1)
        ]
        return torch.stack(rows)

    return hessian


adaptor = Adaptor(
    "torch",
    load_workbench("torch"),
    default_float="float32",
    looks=True,
    compilers={"compile": compiled},
    gradients={
        "backward": by_backward,
        "func.grad": torch.func.grad,
        "compile, backward": lambda f: by_backward(compiled(f)),
        "compile, func.grad": lambda f: compiled(torch.func.grad(f)),
    },
    mappers={"func.vmap": torch.func.vmap},
    forward={"func.jvp": lambda f, x, v: torch.func.jvp(f, (x,), (v,))[1]},
    hessians={"func.hessian": torch.func.hessian, "double backward": by_double_backward},
)
