"""The switch between running formulas whole and running them in the fastest way on each framework."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal


def _entries(setting: str | int) -> int | None:
    """The entries per block that a setting means: 0 for "off", None for "on", where each runner chooses."""
    if setting in ("on", "off"):
        return None if setting == "on" else 0
    if str(setting).isdecimal() and int(setting) > 0:
        return int(setting)
    raise ValueError(f"the engine is 'on', 'off' or a number > 0 of entries per block, got {setting!r}")


_DEFAULT = _entries(os.environ.get("XLOSSES_ENGINE", "on").lower())
_setting: ContextVar[int | None] = ContextVar("xlosses_engine", default=_DEFAULT)


@contextmanager
def engine(setting: Literal["on", "off"] | int) -> Iterator[None]:
    """How formulas run inside this context.

    The environment variable XLOSSES_ENGINE sets it for a whole program.

    Parameters
    ----------
    setting : {"on", "off"} or int
        "on", the default, is the way that is fastest on each framework: in blocks, compiled, with
        slopes. "off" runs every formula once, on everything, op by op, and leaves gradients to the
        framework: slower, and the reference for the other. A number forces blocks of so many
        entries, however small: for tests.

    Returns
    -------
    context manager
        Of the thread, or the task of asyncio, that enters it.

    Raises
    ------
    ValueError
        Any other setting.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> with xlosses.engine("off"):
    ...     float(xlosses.mse_loss(np.asarray([1.0, 2.0]), np.asarray([1.0, 4.0])))
    2.0
    """
    token = _setting.set(_entries(setting))
    try:
        yield
    finally:
        _setting.reset(token)


def entries(usual: int) -> int:
    """How many entries a block may have: `usual` unless a number is set, and 0 when the engine is off."""
    setting = _setting.get()
    return usual if setting is None else setting
