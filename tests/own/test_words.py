"""The list of words in the docs is complete, and each framework has them."""

from __future__ import annotations

import re
from pathlib import Path

from xlosses._backends.generic import Namespace

PAGE = (Path(__file__).parents[2] / "docs" / "words.md").read_text()
BEYOND, STANDARD = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:3]
LISTED = re.findall(r"^\| `(\w+)\(", BEYOND, flags=re.MULTILINE)
ROWS = "".join(line for line in STANDARD.splitlines(keepends=True) if line.startswith("|"))

# What the engine and the grammar ask of a namespace, and no formula.
ENGINE = {
    *("adopt", "default_float", "dtype_named", "ends", "for_this_call", "nan_gradient", "owns", "refusal"),
    *("settings", "signature", "tracing", "widest_integer"),
}


def test_every_word_is_listed():
    words = {name for name, value in vars(Namespace).items() if name[0] != "_" and callable(value)}
    assert sorted(LISTED) == sorted(words - ENGINE)


def test_the_framework_has_the_standards_functions(on):
    names = re.findall(r"`(\w+)`", ROWS)
    assert len(names) > 100
    assert [name for name in names if not hasattr(on.bench.xp, name)] == []
