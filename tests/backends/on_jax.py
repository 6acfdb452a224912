from functools import partial
from importlib import import_module
from typing import Any

import jax
from adaptor import Adaptor

from xlosses._backends import load_workbench


def moved(name: str, older: str, **options: Any) -> Any:
    """A function that `jax` has by this name, and older versions in another module, with options."""
    if hasattr(jax, name):
        return getattr(jax, name)
    return partial(getattr(import_module(older), name), **options)


enable_x64 = moved("enable_x64", "jax.experimental")
# JAX 0.4.35 cannot tell what a conditional replicates, and says to pass this.
shard_map = moved("shard_map", "jax.experimental.shard_map", check_rep=False)

adaptor = Adaptor(
    "jax",
    load_workbench("jax"),
    default_float="float32",
    looks=False,
    compilers={"jit": jax.jit},
    gradients={
        "grad": jax.grad,
        "value_and_grad": lambda f: lambda *a: jax.value_and_grad(f)(*a)[1],
        "jit, grad": lambda f: jax.jit(jax.grad(f)),
        "grad, jit": lambda f: jax.grad(jax.jit(f)),
        "jacfwd": jax.jacfwd,
    },
    mappers={"vmap": jax.vmap, "jit, vmap": lambda f: jax.jit(jax.vmap(f))},
    forward={"jvp": lambda f, x, v: jax.jvp(f, (x,), (v,))[1]},
    hessians={"hessian": jax.hessian, "grad of grad": lambda f: jax.jacrev(jax.grad(f))},
    forget=jax.clear_caches,
)
