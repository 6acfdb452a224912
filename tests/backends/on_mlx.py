from collections.abc import Callable
from typing import Any

import mlx.core as mx
from adaptor import Adaptor

from xlosses._backends import load_workbench


def by_rows(f: Callable[..., Any]) -> Callable[..., Any]:
    def hessian(x: mx.array) -> mx.array:
        rows = [mx.grad(lambda x, k=k: mx.grad(f)(x).reshape(-1)[k])(x) for k in range(x.size)]
        return mx.stack(rows)

    return hessian


adaptor = Adaptor(
    "mlx",
    load_workbench("mlx"),
    default_float="float32",
    looks=True,
    compilers={"compile": mx.compile},
    gradients={
        "grad": mx.grad,
        "value_and_grad": lambda f: lambda *a: mx.value_and_grad(f)(*a)[1],
        "compile, grad": lambda f: mx.compile(mx.grad(f)),
    },
    mappers={"vmap": mx.vmap, "compile, vmap": lambda f: mx.compile(mx.vmap(f))},
    forward={"jvp": lambda f, x, v: mx.jvp(f, [x], [v])[1][0]},
    hessians={"grad of grad": by_rows},
)
