"""Losses by name, and their configs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

NAMES: dict[str, Any] = {}
"""Every class and function of the dialect, by its name and by each alias that it states."""

PACKAGE = "xlosses"

_LossT = TypeVar("_LossT", bound=Callable[..., Any])


def named(*aliases: str) -> Callable[[_LossT], _LossT]:
    """Make a class or function known by its name and by these aliases."""

    def keep(loss: _LossT) -> _LossT:
        NAMES.update(dict.fromkeys((loss.__name__, *aliases), loss))
        return loss

    return keep


def get(identifier: Any) -> Any:
    """The loss that a name, a config or a loss itself stands for.

    Parameters
    ----------
    identifier : str, dict, callable or None
        A name such as "mse", "mean_squared_error" or "MeanSquaredError", a config of `serialize`, or a
        loss. A class becomes an instance with its defaults.

    Returns
    -------
    callable or None
        An instance of `Loss` or a function; None for None.

    Raises
    ------
    ValueError
        An unknown name, or what is none of these.

    Examples
    --------
    >>> from xlosses.keras import get
    >>> get("mse").__name__
    'mean_squared_error'
    >>> get({"class_name": "Huber", "config": {"delta": 0.5}}).delta
    0.5
    """
    if identifier is None:
        return None
    loss = deserialize(identifier) if isinstance(identifier, (str, dict)) else identifier
    if not callable(loss):
        raise ValueError(
            f"Could not interpret loss identifier: {identifier!r}; give a name, a config or a loss"
        )
    return loss() if inspect.isclass(loss) else loss


def serialize(loss: Any) -> dict[str, Any]:
    """The config of a loss, with the names by which `deserialize` and Keras find its class.

    Parameters
    ----------
    loss : Loss or function
        An instance, or a function of the dialect.

    Returns
    -------
    dict
        Of strings, numbers, lists and dicts alone, so that it can be written as JSON.

    Raises
    ------
    TypeError
        What has neither a config nor a name.

    Examples
    --------
    >>> from xlosses.keras import Huber, deserialize, serialize
    >>> serialize(Huber(2.0))["config"]
    {'reduction': 'sum_over_batch_size', 'name': 'huber_loss', 'dtype': None, 'delta': 2.0}
    >>> deserialize(serialize(Huber(2.0))) == Huber(2.0)
    True
    """
    is_function = inspect.isfunction(loss)
    if not is_function and not hasattr(loss, "get_config"):
        raise TypeError(f"loss must be an instance of a loss or a function, got {loss!r}")
    kind = loss if is_function else type(loss)
    own = NAMES.get(kind.__name__) is kind
    registered_name = f"{PACKAGE}>{kind.__name__}" if own else kind.__name__
    return {
        "module": kind.__module__,
        "class_name": "function" if is_function else kind.__name__,
        "config": registered_name if is_function else loss.get_config(),
        "registered_name": registered_name,
    }


def deserialize(name: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The loss that a config of `serialize`, or of Keras's function of this name, describes.

    Parameters
    ----------
    name : str or dict
        A name, or a config: "class_name" with "config", and maybe "module" and "registered_name". A
        class of Keras becomes that of the same name here.
    custom_objects : mapping of str to class or function, optional
        Losses of your own, by their names. They come first.

    Returns
    -------
    Loss, class or function
        An instance for a config, the class or function for its mere name.

    Raises
    ------
    ValueError
        An unknown name.
    TypeError
        A config that does not fit its class, or is no config.

    Examples
    --------
    >>> from xlosses.keras import deserialize
    >>> of_keras = {"module": "keras.losses", "class_name": "Hinge", "config": {"reduction": "sum"}}
    >>> deserialize(of_keras)
    Hinge(reduction='sum', name='hinge', dtype=None)
    """
    if isinstance(name, str):
        return _found((name,), custom_objects or {})
    if not isinstance(name, Mapping) or "class_name" not in name:
        raise TypeError(f"name must be a string or a config with 'class_name', got {name!r}")
    config = name.get("config")
    if name["class_name"] == "function":
        return _found((name.get("registered_name"), config), custom_objects or {})
    found = _found((name.get("registered_name"), name["class_name"]), custom_objects or {})
    return found.from_config(dict(config or {})) if hasattr(found, "from_config") else found


def _found(names: tuple[Any, ...], custom_objects: Mapping[str, Any]) -> Any:
    """The first class or function that has one of these names."""
    known = [name for name in names if isinstance(name, str)]
    for name in known:
        for names_of in (custom_objects, NAMES):
            if name in names_of:
                return names_of[name]
            own = name.removeprefix(f"{PACKAGE}>")
            if own in names_of:
                return names_of[own]
    asked = " or ".join(map(repr, known or names))
    raise ValueError(
        f"Could not interpret loss identifier: {asked} is no loss of "
        "xlosses.keras; give a loss of your own by custom_objects"
    )
