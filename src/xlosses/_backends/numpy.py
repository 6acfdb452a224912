"""NumPy: values can be read at any time, gathers are cheap."""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy as standard
import numpy as np

from xlosses._backends.generic import Namespace
from xlosses._backends.workbench import Workbench


class NumPy(Namespace):
    framework = "NumPy"

    def _key(self, name: str) -> Any:
        return np.dtype(name)

    def dtype_name(self, dtype: Any) -> str:
        known = self.dtype_names.get(dtype)
        return known if known else np.dtype(dtype).name  # byte-swapped arrays, np.float32 the type

    def relu(self, x: Any) -> Any:
        return np.maximum(x, np.zeros((), x.dtype))  # 14 times faster than where on a random mask

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return np.clip(x, low, high)

    def pick(self, x: Any, labels: Any) -> Any:
        return np.take_along_axis(x, labels[..., None], axis=-1)[..., 0]

    def array(self, values: Any, like: Any, dtype: Any) -> Any:
        return np.asarray(values, dtype=dtype)

    def look(self, flags: Any) -> bool:
        return bool(flags.any())


namespace = NumPy(standard)


class NumPyWorkbench(Workbench):
    package = "numpy"

    def array(self, values: Any, dtype: str = "float32") -> Any:
        return np.asarray(values, dtype=dtype)

    def dtypes(self) -> list[str]:
        return ["float16", "float32", "float64"]


workbench = NumPyWorkbench(namespace)
