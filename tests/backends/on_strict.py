from typing import Any

import array_api_strict
import numpy as np
from adaptor import Adaptor

from xlosses._backends import Workbench, namespace_of


class StrictWorkbench(Workbench):
    package = "array-api-strict"

    def read(self, x: Any) -> Any:
        return np.asarray(x).tolist()

    def array(self, values: Any, dtype: str = "float32") -> Any:
        return array_api_strict.asarray(
            np.asarray(values, dtype).tolist(), dtype=getattr(array_api_strict, dtype)
        )

    def dtypes(self) -> list[str]:
        return ["float32", "float64"]


namespace = namespace_of(array_api_strict.zeros(1))
assert namespace is not None
adaptor = Adaptor("strict", StrictWorkbench(namespace), default_float="float64", looks=False)
