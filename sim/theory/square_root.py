"""Square-root staffing: servers = load + β √load, and what β promises when the load is large."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from sim.theory.inputs import TheoryError, not_negative, open_share, positive

_LARGEST_BETA = 30.0


@dataclass(frozen=True)
class SquareRootStaffing:
    """Servers by the square-root rule.

    Attributes
    ----------
    load
        Offered load, in servers.
    beta
        Safety staffing, in square roots of the load.
    servers
        The rule, rounded up.
    """

    load: float
    beta: float
    servers: int


def halfin_whitt_wait_probability(beta: float) -> float:
    """Limit of Erlang C's wait probability when servers = load + β √load and the load grows.

    Parameters
    ----------
    beta
        Above 0; without abandonment less has no steady state.

    Raises
    ------
    TheoryError
        For other β.

    Notes
    -----
    1 / (1 + β Φ(β) / φ(β)). Source: Halfin and Whitt (1981).
    """
    positive("beta", beta)
    return float(special.expit(-math.log(beta) - special.log_ndtr(beta) + _log_normal_density(beta)))


def halfin_whitt_beta(wait_probability: float) -> float:
    """β at which a share `wait_probability` of arrivals waits: the inverse of `halfin_whitt_wait_probability`.

    Raises
    ------
    TheoryError
        For a share outside (0, 1), or so close to 0 that β would exceed 30.
    """
    from scipy.optimize import brentq

    open_share("wait_probability", wait_probability)
    if wait_probability < halfin_whitt_wait_probability(_LARGEST_BETA):
        raise TheoryError(f"wait_probability is {wait_probability}: below what the square-root rule can tell from 0")
    lower = (1.0 - wait_probability) / 4.0
    return float(
        brentq(lambda beta: halfin_whitt_wait_probability(beta) - wait_probability, lower, _LARGEST_BETA, xtol=1e-15)
    )


def garnett_wait_probability(beta: float, service_over_patience: float) -> float:
    """Limit of Erlang A's wait probability when servers = load + β √load and the load grows.

    Parameters
    ----------
    beta
        Any finite number.
    service_over_patience
        Mean service time divided by mean patience, above 0.

    Raises
    ------
    TheoryError
        For other numbers.

    Notes
    -----
    With r = service over patience and h the hazard rate of the normal distribution,
    1 / (1 + √r h(β / √r) / h(-β)). Source: Garnett, Mandelbaum and Reiman (2002).
    """
    _finite_beta(beta)
    root = math.sqrt(positive("service_over_patience", service_over_patience))
    return float(special.expit(_log_hazard(-beta) - _log_hazard(beta / root) - math.log(root)))


def garnett_abandoned_share(beta: float, service_over_patience: float, load: float) -> float:
    """Approximate share of arrivals that leave, in an Erlang A queue with servers = load + β √load.

    Parameters
    ----------
    beta
        Any finite number.
    service_over_patience
        Mean service time divided by mean patience, above 0.
    load
        Offered load, above 0.

    Raises
    ------
    TheoryError
        For other numbers.

    Notes
    -----
    Wait probability times √r (h(β / √r) - β / √r) / √load. Source: Garnett, Mandelbaum and Reiman (2002).
    """
    waits = garnett_wait_probability(beta, service_over_patience)
    root = math.sqrt(service_over_patience)
    excess = math.exp(_log_hazard(beta / root)) - beta / root
    return waits * root * excess / math.sqrt(positive("load", load))


def garnett_beta(wait_probability: float, service_over_patience: float) -> float:
    """β at which a share `wait_probability` of arrivals waits: the inverse of `garnett_wait_probability` in β.

    Raises
    ------
    TheoryError
        For a share outside (0, 1), or so close to 0 or 1 that β would lie outside -30 ... 30.
    """
    from scipy.optimize import brentq

    open_share("wait_probability", wait_probability)
    most = garnett_wait_probability(-_LARGEST_BETA, service_over_patience)
    least = garnett_wait_probability(_LARGEST_BETA, service_over_patience)
    if not least <= wait_probability <= most:
        raise TheoryError(
            f"wait_probability is {wait_probability}: with service over patience {service_over_patience} the "
            f"square-root rule reaches {least} to {most}"
        )
    return float(
        brentq(
            lambda beta: garnett_wait_probability(beta, service_over_patience) - wait_probability,
            -_LARGEST_BETA,
            _LARGEST_BETA,
            xtol=1e-14,
        )
    )


def square_root_staffing(
    load: float, wait_probability: float, service_over_patience: float | None = None
) -> SquareRootStaffing:
    """Servers so that about `wait_probability` of the arrivals wait: a good first guess from about 10 servers on.

    Parameters
    ----------
    load
        Offered load in servers, at least 0.
    wait_probability
        Share of arrivals that may wait, strictly between 0 and 1.
    service_over_patience
        Mean service time divided by mean patience; None when nobody leaves.

    Raises
    ------
    TheoryError
        For numbers that are not allowed.

    Notes
    -----
    Sources: Halfin and Whitt (1981); Garnett, Mandelbaum and Reiman (2002).
    """
    not_negative("load", load)
    if service_over_patience is None:
        beta = halfin_whitt_beta(wait_probability)
    else:
        beta = garnett_beta(wait_probability, service_over_patience)
    return SquareRootStaffing(load=load, beta=beta, servers=max(0, math.ceil(load + beta * math.sqrt(load))))


def _finite_beta(beta: float) -> None:
    if not math.isfinite(beta):
        raise TheoryError(f"beta is {beta}: a finite number is needed")


def _log_normal_density(value: float) -> float:
    return -value * value / 2.0 - math.log(2.0 * math.pi) / 2.0


def _log_hazard(value: float) -> float:
    """log of φ / (1 - Φ), also far out in the tail."""
    if value > 0:
        return math.log(2.0 / math.pi) / 2.0 - math.log(float(special.erfcx(value / math.sqrt(2.0))))
    return _log_normal_density(value) - float(special.log_ndtr(-value))
