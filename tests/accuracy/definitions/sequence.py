"""Sequences that are labelled without saying when."""

from __future__ import annotations

from collections.abc import Sequence

from mpmath import mp

from definitions.common import Row, Term


def ctc(
    x: Sequence[Row],
    labels: Sequence[int],
    frames: int,
    length: int,
    blank: int = 0,
    zero_infinity: bool = False,
) -> Term:
    """The labels with blanks around them, and how far each frame has come among these, from both ends."""
    states = [blank]
    for label in labels[:length]:
        states += [label, blank]
    n, t_max = len(states), frames

    def ways(s: int) -> list[int]:
        """The states that state s is reached from."""
        skips = s > 1 and states[s] not in (blank, states[s - 2])
        return [r for r in (s, s - 1, s - 2 if skips else -1) if r >= 0]

    p = [[mp.exp(row[k]) for k in states] for row in x[:t_max]]
    ahead = [[mp.mpf(s == 0) for s in range(n)]]
    for t in range(t_max):
        # Before the first frame is the first blank: the first label is reached from there, too.
        ahead.append([p[t][s] * mp.fsum(ahead[-1][r] for r in ways(s)) for s in range(n)])
    behind = [[mp.mpf(s >= n - 2) for s in range(n)]]
    for t in reversed(range(t_max)):
        reached = [p[t][s] * behind[0][s] for s in range(n)]
        behind.insert(0, [mp.fsum(reached[s] for s in range(n) if r in ways(s)) for r in range(n)])
    total = mp.fsum(a * b for a, b in zip(ahead[-1], behind[-1], strict=True))
    by = [[mp.mpf(0)] * len(row) for row in x]
    if not total:
        return Term(mp.mpf(0) if zero_infinity else mp.inf, (by,), None, (by,))
    for t in range(t_max):
        for s, k in enumerate(states):
            by[t][k] -= ahead[t + 1][s] * behind[t + 1][s] / total
    # Logarithms are added up, and each is rounded; so is their exponential, and again by each frame.
    parts = [-b * abs(xk) for xs, bs in zip(x, by, strict=True) for xk, b in zip(xs, bs, strict=True) if b]
    value, path = -mp.log(total), mp.fsum(parts)
    of = [[-b * max(t_max, path, -mp.log(-b)) if b else b for b in row] for row in by]
    return Term(value, (by,), max(abs(value), path, 1), (of,))


DEFINITIONS = {"ctc_loss (batch first)": ctc}
