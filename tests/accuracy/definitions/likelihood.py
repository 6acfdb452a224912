"""Likelihoods."""

from __future__ import annotations

from mpmath import mp

from definitions.common import Number, Row, Term, largest, log_softmax, sign


def gaussian_nll(
    x: Number, y: Number, var: Number, full: bool = False, eps: float = 1e-6, beta: float = 0.0
) -> Term:
    v, e = max(var, mp.mpf(eps)), x - y
    parts = [mp.log(v) / 2, e**2 / (2 * v), mp.log(2 * mp.pi) / 2 if full else mp.mpf(0)]
    acts = var <= eps
    by_v = [1 / (2 * v), -(e**2) / (2 * v**2)]
    weight = v ** mp.mpf(beta)  # a constant to the derivatives
    return Term(
        weight * mp.fsum(parts),
        (weight * e / v, -weight * e / v, mp.mpf(0) if acts else weight * mp.fsum(by_v)),
        weight * largest(parts),
        (None, None, None if acts else weight * largest(by_v)),
    )


def laplace_nll(x: Number, y: Number, s: Number) -> Term:
    e = abs(x - y) / s
    parts, by_s = [mp.log(s), mp.log(2), e], [1 / s, -e / s]
    by_x = sign(x - y) / s
    return Term(mp.fsum(parts), (by_x, -by_x, mp.fsum(by_s)), largest(parts), (None, None, largest(by_s)))


def student_t_nll(x: Number, y: Number, s: Number, df: float = 4.0) -> Term:
    nu, z = mp.mpf(df), (x - y) / s
    constant = mp.log(mp.gamma(nu / 2) * mp.sqrt(nu * mp.pi) / mp.gamma((nu + 1) / 2))
    parts = [mp.log(s), (nu + 1) / 2 * mp.log1p(z**2 / nu), constant]
    by_x = (nu + 1) * z / (nu + z**2) / s
    by_s = [1 / s, -(nu + 1) * z**2 / (nu + z**2) / s]
    return Term(mp.fsum(parts), (by_x, -by_x, mp.fsum(by_s)), largest(parts), (None, None, largest(by_s)))


def mixture_nll(a: Row, means: Row, log_scales: Row, y: Number) -> Term:
    z = [(y - m) / mp.exp(s) for m, s in zip(means, log_scales, strict=True)]
    w = [log_softmax(a, k) for k in range(len(a))]
    log_p = [wk - s - zk**2 / 2 for wk, s, zk in zip(w, log_scales, z, strict=True)]
    best = max(range(len(a)), key=lambda k: log_p[k])
    value = -log_p[best] + log_softmax(log_p, best) + mp.log(2 * mp.pi) / 2
    share = [mp.exp(log_softmax(log_p, k)) for k in range(len(a))]
    by_a = [mp.exp(wk) - g for wk, g in zip(w, share, strict=True)]
    by_mean = [-g * zk / mp.exp(s) for g, zk, s in zip(share, z, log_scales, strict=True)]
    by_scale = [g * (1 - zk**2) for g, zk in zip(share, z, strict=True)]
    # A density's logarithm is off by the rounding of its parts, its share of the likelihood by that of all.
    low = [1 + max(a) - ak for ak in a]
    size = [lk + abs(s) + zk**2 for lk, s, zk in zip(low, log_scales, z, strict=True)]
    mean = mp.fsum(g * of for g, of in zip(share, size, strict=True))
    lost = [of + mean for of in size]
    scales = (
        [mp.exp(wk) * lk + g * of for wk, lk, g, of in zip(w, low, share, lost, strict=True)],
        [abs(x) * of for x, of in zip(by_mean, lost, strict=True)],
        [g * (1 + zk**2) * of for g, zk, of in zip(share, z, lost, strict=True)],
    )
    return Term(value, (by_a, by_mean, by_scale), size[best], scales)


def cox_ph(x: Row, times: Row, events: Row) -> Term:
    n = len(x)
    chosen, pulled = [], [mp.mpf(0)] * n
    of_x = list(events)
    for i in range(n):
        at_risk = [j for j in range(n) if times[j] >= times[i]]
        hazards = [x[j] for j in at_risk]
        chosen.append(-log_softmax(hazards, at_risk.index(i)))
        for k, j in enumerate(at_risk):
            p = events[i] * mp.exp(log_softmax(hazards, k))
            pulled[j] += p
            of_x[j] += p * max(1, max(hazards) - x[j])  # an exponential of a rounded difference
    value = mp.fsum(event * term for event, term in zip(events, chosen, strict=True))
    by_x = [a - b for a, b in zip(pulled, events, strict=True)]
    # Beside the largest of those at risk the sum of the others is added to 1.
    return Term(value, (by_x,), value + mp.fsum(events), (of_x,))


DEFINITIONS = {
    "gaussian_nll_loss": gaussian_nll,
    "laplace_nll_loss": laplace_nll,
    "student_t_nll_loss": student_t_nll,
    "mixture_nll_loss": mixture_nll,
    "cox_ph_loss": cox_ph,
}
