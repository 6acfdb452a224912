"""The command line: `xlosses demo`, `xlosses parity`, `xlosses doctor`.

A subcommand is a module of this package with `run(args) -> int`, loaded when it is called: its
parser stands here, so that help needs nothing installed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from xlosses._backends import FRAMEWORKS
from xlosses._cli.requirements import TRAINABLE, Missing

DESCRIPTION = "Loss functions written once for NumPy, PyTorch, JAX and MLX."

DEMO = """\
Train one small network on handwritten digits in PyTorch, in JAX and in MLX,
each by its own autodiff through the same xlosses.cross_entropy and from the
same weights, and evaluate it in NumPy after every epoch. Prints the losses
side by side and draws their curves."""

PARITY = """\
Run every loss on real data in every installed framework, and compare value
and gradient with a float64 reference. Prints the worst difference per loss
and framework. Or run functions of yours in every framework, as they are and
compiled, on data that is drawn or read, and compare them with float64."""

DOCTOR = """\
Say which frameworks are installed, with their versions, devices and floating
dtypes, what is missing, and how to install it."""

EXIT_CODES = """\
exit codes:
  0   all is well
  1   frameworks disagree, or a figure is out of tolerance
  2   wrong usage, or something is missing
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        return int(import_module(f"{__name__}.{args.command}").run(args))
    except (Missing, OSError) as problem:
        print(f"xlosses: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    layout: Any = {"epilog": EXIT_CODES, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser("xlosses", description=DESCRIPTION, **layout)
    parser.add_argument("--version", action="version", version=f"xlosses {version('xlosses')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    summary = "train one network in three frameworks and compare"
    _demo(commands.add_parser("demo", help=summary, description=DEMO, **layout))
    summary = "check every loss on every installed framework"
    _parity(commands.add_parser("parity", help=summary, description=PARITY, **layout))
    summary = "say what is installed, and how to install the rest"
    commands.add_parser("doctor", help=summary, description=DOCTOR)
    return parser


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--epochs", type=_positive, default=15, metavar="N", help="passes over the training set (15)"
    )
    parser.add_argument(
        "--output",
        type=_picture,
        default=Path("xlosses-demo.png"),
        metavar="FILE",
        help="where to draw the curves (xlosses-demo.png)",
    )
    _backends(parser, TRAINABLE)


def _parity(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "functions",
        nargs="*",
        metavar="MODULE:FUNCTION",
        help="functions of yours, each of arrays (the losses of xlosses)",
    )
    parser.add_argument(
        "--data", type=Path, metavar="FILE", help="an .npz file with their arrays, by the names of parameters"
    )
    parser.add_argument(
        "--kinds", type=_names(), metavar="A,B", help="else draw these kinds of data for their parameters"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a report as one page of HTML")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    parser.add_argument("--losses", type=_names(), metavar="A,B", help="only these losses (all)")
    _backends(parser, FRAMEWORKS)


def _backends(parser: argparse.ArgumentParser, known: Collection[str]) -> None:
    parser.add_argument(
        "--backends",
        type=_names(known),
        metavar="A,B",
        help=f"only these of {', '.join(known)} (all that are installed)",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number > 0")
    return int(text)


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() != ".png":
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .png")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r}")
    return path


def _names(known: Collection[str] = ()) -> Callable[[str], list[str]]:
    """A reader of names between commas, each of them one of the known where there are any."""

    def read(text: str) -> list[str]:
        names = list(dict.fromkeys(name.strip() for name in text.split(",")))
        for name in names:
            if not name or (known and name not in known):
                raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(known)}")
        return names

    return read
