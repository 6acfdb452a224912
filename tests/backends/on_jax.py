import jax
from adaptor import Adaptor

from xlosses._backends import load_workbench

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
