"""How each framework takes an array, runs a function in one of the ways, and waits for its result."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

import xlosses
from benchmarks.sizes import COMPILED_WAYS, LOSSES, TRAINING, UNREDUCED

Function = Callable[..., Any]
Call = Callable[[], Any]
Places = int | tuple[int, ...]  # of the arrays to differentiate by

OURS = "xlosses"


class Framework:
    """One framework on one device. What `call` returns takes no arguments and waits for its result."""

    packages: tuple[str, ...] = ()  # its own, and those of its peers

    def __init__(self, backend: str, device: str = "cpu", threads: int = 1) -> None:
        self.backend, self.device = backend, device

    @cached_property
    def peers(self) -> Any:
        return import_module(f"benchmarks.peers.on_{self.backend}")

    def contenders(self, loss: str, way: str) -> dict[str, Function]:
        """Ours first, then its peers; all of them take the arrays of the loss."""
        return {OURS: ours(loss), **self.peers.PEERS[loss]}

    def accelerators(self) -> dict[str, str]:
        """The devices that there are beside the CPU, and what they are."""
        return {}

    def why_not_compiled(self) -> str:
        """What is missing to compile, or nothing."""
        return ""

    def versions(self) -> dict[str, str]:
        return {name: version(name) for name in (*self.packages, "xlosses")}

    def array(self, values: np.ndarray) -> Any:
        return values

    def call(self, function: Function, arrays: list[Any], way: str, argnums: Places = 0) -> Call:
        raise NotImplementedError

    def forget_compiled(self) -> None:
        """Drop what was compiled."""

    def forget_memory(self) -> None:
        """Give back memory that the framework keeps for later."""

    def memory_in_use(self) -> int | None:
        """Bytes on a device other than the CPU."""
        return None

    def peak_memory(self) -> int:
        """The most bytes on that device since `memory_in_use` was asked."""
        raise NotImplementedError


def ours(loss: str, reduction: str = "mean") -> Function:
    told = LOSSES[loss]
    function = partial(getattr(xlosses, loss.partition(" ")[0]), reduction=reduction, **told.parameters)
    n = len(told.arrays) - len(told.by_keyword)

    def with_keywords(*arrays: Any, **options: Any) -> Any:
        return function(*arrays[:n], **dict(zip(told.by_keyword, arrays[n:], strict=True)), **options)

    return with_keywords if told.by_keyword else function


class NumPy(Framework):
    packages = ("numpy", "scipy", "scikit-learn", "keras")

    def contenders(self, loss: str, way: str) -> dict[str, Function]:
        if way == TRAINING:
            by_slope = partial(xlosses.value_and_grad(ours(loss), LOSSES[loss].argnums), reduction="mean")
            steps = import_module("benchmarks.peers.steps_on_numpy").STEPS
            return {OURS: by_slope, **steps.get(loss, {})}
        if way == UNREDUCED:
            return {OURS: ours(loss, "none"), "textbook": self.peers.TERMS[loss]}
        return super().contenders(loss, way)

    def call(self, function: Function, arrays: list[Any], way: str, argnums: Places = 0) -> Call:
        return partial(function, *arrays)


class Torch(Framework):
    packages = ("torch",)

    def __init__(self, backend: str, device: str = "cpu", threads: int = 1) -> None:
        import torch

        super().__init__(backend, device, threads)
        torch.set_num_threads(threads)
        self.torch = torch

    def accelerators(self) -> dict[str, str]:
        cuda = self.torch.cuda
        return {"cuda": cuda.get_device_name()} if cuda.is_available() else {}

    def why_not_compiled(self) -> str:
        found = any(map(shutil.which, ("g++", "clang++")))
        return "" if found else "torch.compile needs a C++ compiler (g++ or clang++), and there is none"

    def array(self, values: np.ndarray) -> Any:
        return self.torch.from_numpy(values).to(self.device)

    def call(self, function: Function, arrays: list[Any], way: str, argnums: Places = 0) -> Call:
        if way in COMPILED_WAYS:
            function = self.torch.compile(function, fullgraph=True, dynamic=False)
        if way.endswith(TRAINING):
            places = (argnums,) if isinstance(argnums, int) else argnums
            arrays = [x.detach().requires_grad_(i in places) for i, x in enumerate(arrays)]
            function = step(function, [arrays[i] for i in places])
        if self.device == "cpu":
            return partial(function, *arrays)

        def wait_for() -> Any:
            result = function(*arrays)
            self.torch.cuda.synchronize()
            return result

        return wait_for

    def forget_compiled(self) -> None:
        self.torch.compiler.reset()  # it compiles one function only so often

    def forget_memory(self) -> None:
        if self.device == "cuda":
            self.torch.cuda.empty_cache()

    def memory_in_use(self) -> int | None:
        if self.device == "cpu":
            return None
        self.torch.cuda.reset_peak_memory_stats()
        return self.torch.cuda.memory_allocated()

    def peak_memory(self) -> int:
        return self.torch.cuda.max_memory_allocated()


def step(function: Function, trained: list[Any]) -> Function:
    def forward_and_backward(*arrays: Any) -> tuple[Any, ...]:
        value = function(*arrays)
        value.backward()
        gradients = [x.grad for x in trained]
        for x in trained:
            x.grad = None
        return (value, *gradients)

    return forward_and_backward


class Jax(Framework):
    packages = ("jax", "optax")

    def __init__(self, backend: str, device: str = "cpu", threads: int = 1) -> None:
        import jax

        super().__init__(backend, device, threads)
        self.jax = jax
        self.on = jax.devices("cpu" if device == "cpu" else "gpu")[0]
        jax.config.update("jax_default_device", self.on)

    def accelerators(self) -> dict[str, str]:
        found = self.jax.default_backend() == "gpu"
        return {"cuda": self.jax.devices("gpu")[0].device_kind} if found else {}

    def array(self, values: np.ndarray) -> Any:
        return self.jax.device_put(values, self.on)

    def call(self, function: Function, arrays: list[Any], way: str, argnums: Places = 0) -> Call:
        if way.endswith(TRAINING):
            function = self.jax.value_and_grad(function, argnums)
        if way in COMPILED_WAYS:
            function = self.jax.jit(function)
        block = self.jax.block_until_ready
        return lambda: block(function(*arrays))

    def memory_in_use(self) -> int | None:
        return None if self.device == "cpu" else self.on.memory_stats()["bytes_in_use"]

    def peak_memory(self) -> int:
        return self.on.memory_stats()["peak_bytes_in_use"]


class Mlx(Framework):
    packages = ("mlx",)

    def __init__(self, backend: str, device: str = "cpu", threads: int = 1) -> None:
        import mlx.core as mx

        super().__init__(backend, device, threads)
        self.mx = mx
        mx.set_default_device(mx.cpu if device == "cpu" else mx.gpu)

    def accelerators(self) -> dict[str, str]:
        found = self.mx.is_available(self.mx.gpu)
        return {"gpu": str(self.mx.device_info(self.mx.gpu)["device_name"])} if found else {}

    def why_not_compiled(self) -> str:
        if platform.system() != "Linux" or shutil.which("g++"):
            return ""
        return "mlx.core.compile needs g++ on Linux, and there is none"

    def array(self, values: np.ndarray) -> Any:
        array = self.mx.array(values)
        self.mx.eval(array)
        return array

    def call(self, function: Function, arrays: list[Any], way: str, argnums: Places = 0) -> Call:
        if way.endswith(TRAINING):
            function = self.mx.value_and_grad(function, argnums)
        if way in COMPILED_WAYS:
            function = self.mx.compile(function)
        evaluate = self.mx.eval

        def wait_for() -> Any:
            result = function(*arrays)
            evaluate(result)
            return result

        return wait_for

    def forget_memory(self) -> None:
        self.mx.clear_cache()

    def memory_in_use(self) -> int | None:
        if self.device == "cpu":
            return None
        self.mx.reset_peak_memory()
        return self.mx.get_active_memory()

    def peak_memory(self) -> int:
        return self.mx.get_peak_memory()


FRAMEWORKS: Mapping[str, type[Framework]] = {"numpy": NumPy, "torch": Torch, "jax": Jax, "mlx": Mlx}


def difference(result: Any, other: Any) -> float:
    """The largest difference of values and gradients, relative to the largest of each."""
    pairs = zip(arrays_of(result), arrays_of(other), strict=True)
    return max(float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)) for a, b in pairs)


def arrays_of(result: Any) -> list[np.ndarray]:
    if isinstance(result, tuple | list):
        return [array for part in result for array in arrays_of(part)]
    return [np.asarray(result.detach().cpu() if hasattr(result, "detach") else result)]
