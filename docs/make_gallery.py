"""The pictures and sentences of gallery.md, made of docs/gallery while the pages are built.

`python docs/make_gallery.py` draws those of the README again.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from gallery import ENTRIES  # noqa: E402

from xlosses.testing import CASES  # noqa: E402

FILES = [Path(__file__), HERE / "themes.py", HERE / "index.md", *sorted((HERE / "gallery").glob("*.py"))]
SHOWN = (  # in the README
    *("huber_loss", "quantile_loss", "sigmoid_focal_loss", "multiclass_sparsemax_loss"),
    *("mixture_nll_loss", "giou_loss", "tversky_loss", "supervised_contrastive_loss"),
)
STORED = HERE / "_static"


def families() -> dict[str, tuple[str, list[str]]]:
    """The page of each family, its title and its losses, in the order of the index."""
    found, known = {}, {case.loss_name for case in CASES.values()}
    for page in re.findall(r"^\| \[.+?\]\((\w+)\.md\) \|", (HERE / "index.md").read_text(), re.MULTILINE):
        text = (HERE / f"{page}.md").read_text()
        documented = re.findall(r"^\.\. autofunction:: xlosses\.(\w+)$", text, re.MULTILINE)
        if losses := [name for name in documented if name in known]:
            found[page] = text.partition("\n")[0].removeprefix("# "), losses
    return found


def check() -> None:
    """Every loss that has a page has an entry, and every entry a loss."""
    losses = [loss for _, some in families().values() for loss in some]
    for loss in losses:
        if loss not in ENTRIES:
            raise ValueError(f"{loss} has no entry in docs/gallery: give it a sentence and a picture there")
    for loss in ENTRIES:
        if loss not in losses:
            raise ValueError(f"docs/gallery has an entry of {loss}, which is no loss of a page in index.md")


def fill_in(page: str) -> str:
    """The page with the cards of all families in place of its line."""
    return re.sub(r"^\{\{ gallery \}\}$", lambda _: sections(), page, flags=re.MULTILINE)


def sections() -> str:
    check()
    return "\n\n".join(
        f"## {title}\n\n`````{{container}} gallery\n"
        + "\n".join(card(page, loss) for loss in losses)
        + "\n`````"
        for page, (title, losses) in families().items()
    )


def card(page: str, loss: str) -> str:
    """A picture and a name that lead to the loss, and when to use it."""
    from gallery.pictures import picture
    from themes import images

    entry = ENTRIES[loss]
    target = f"{page}.html#xlosses.{loss}"
    drawn = images(
        f"gallery-{loss}",
        f"Picture of {loss}",
        lambda theme: picture(theme, loss, entry.picture),
        target=target,
    )
    return f"````{{container}} card\n{drawn}\n\n[`{loss}`]({page}.md#{loss})\n\n{entry.text}\n````"


def store() -> None:
    """The pictures of the README, one for each theme."""
    from gallery.pictures import strip
    from matplotlib import rc_context
    from themes import THEMES

    shown = {loss: ENTRIES[loss].picture for loss in SHOWN}
    for theme in THEMES:
        with rc_context({"svg.hashsalt": "xlosses"}):  # else every run gives the parts other names
            strip(theme, shown, columns=4).savefig(
                STORED / f"gallery-{theme.name}.svg", transparent=True, metadata={"Date": None}
            )


if __name__ == "__main__":
    store()
