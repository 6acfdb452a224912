"""The tables of the pages of migration/, made of the lines in the TOML file beside each page."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "migration"
PEERS = ("torch", "optax", "mlx", "sklearn", "keras")
FILES = [Path(__file__), *(FOLDER / f"{peer}.toml" for peer in PEERS)]

# What the calls are made with; the tests draw arrays of these names.
NAMES = {
    "x": "predictions, or scores",
    "y": "targets",
    "v": "variances",
    "n": "counts",
    "q": "predicted positive amounts",
    "r": "positive amounts",
    "d": "distances",
    "z": "logits of yes",
    "p": "probabilities of yes",
    "t": "targets of 0 and 1",
    "hard": "predictions of 0 and 1",
    "side": "targets of 1 and -1",
    "logits": "logits of 5 classes, or scores, one row each",
    "labels": "integer classes",
    "gaps": "the same, some of them -100",
    "one": "the same, one-hot",
    "probs": "probabilities of the classes",
    "guess": "predicted probabilities of the classes",
    "logp": "log probabilities of the classes",
    "logq": "others",
    "tags": "a 1 for each class of a row, else 0",
    "lists": "the same classes, as a list that ends at -1",
    "grades": "relevances",
    "w": "weights of the classes",
    "amounts": "positive amounts, in rows",
    "a": "vectors, one row each",
    "b": "others",
    "c": "others",
    "s": "1 for pairs that are alike, else -1",
    "unit": "the vectors divided by their lengths",
    "groups": "integer labels of the vectors",
    "hidden": "hidden states, one row each",
    "weight": "a row for each class",
    "bias": "a number for each class",
    "pixels": "logits with the classes along axis 1",
    "classes": "integer classes of the pixels",
    "images": "logits with the classes last",
    "onehot": "their targets, one-hot",
    "mask": "logits with one class",
    "inside": "its targets of 0 and 1",
    "soft": "probabilities with the classes last",
    "speech": "log probabilities by frame, sequence and class",
    "spoken": "logits by sequence, frame and class",
    "words": "the classes of each sequence in their order, then 0, the blank",
    "durations": "how many frames each sequence has",
    "lengths": "how many classes it is labelled with",
    "silent": "1 for each frame after those, else 0",
    "ended": "1 for each place after those, else 0",
}


@dataclass(frozen=True)
class Line:
    """Two calls, and how their numbers compare: equal, but for a factor of ours, or not."""

    theirs: str
    ours: str
    also: str = ""
    differs: str = ""
    times: str = "1"
    unequal: bool = False

    @property
    def names(self) -> list[str]:
        """Of theirs, with the module: what this line is the counterpart of."""
        return re.findall(r"\b(?:F|nn|losses|metrics)\.\w+(?=\()", f"{self.theirs} {self.also}")


def lines(peer: str) -> list[Line]:
    return [Line(**line) for line in read(peer)["line"]]


def left_out(peer: str) -> list[dict[str, Any]]:
    """What has no counterpart: `names` and the `reason`."""
    return read(peer).get("none", [])


def read(peer: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{peer}.toml").read_text())


def fill_in(page: str) -> str:
    """The page with what it stands for in place of each line `{{ words }}`."""
    return re.sub(
        r"^\{\{ (\w+), (\w+) \}\}$", lambda found: MADE[found[1]](found[2]), page, flags=re.MULTILINE
    )


def calls(peer: str) -> str:
    """Their calls on the left; on the right ours, and below it what differs."""
    rows = "\n".join(
        f"| {code(line.theirs, line.also)} | {code(line.ours)}{line.differs and '<br>' + line.differs} |"
        for line in lines(peer)
    )
    return f"````{{container}} migration\n| there | xlosses |\n| --- | --- |\n{rows}\n````"


def code(*expressions: str) -> str:
    return "<br>".join(f"`{expression}`" for expression in expressions if expression)


def none(peer: str) -> str:
    return "\n".join(
        f"- {', '.join(f'`{name}`' for name in entry['names'])}: {entry['reason']}."
        for entry in left_out(peer)
    )


def names(peer: str) -> str:
    """What the calls of a page are made with."""
    used = set(re.findall(r"\w+", " ".join(f"{line.theirs} {line.ours}" for line in lines(peer))))
    return "; ".join(f"`{name}`: {what}" for name, what in NAMES.items() if name in used) + "."


MADE = {"calls": calls, "none": none, "names": names}
