"""Waiting times of a worklist whose flagged cases are read first, in closed form.

Cases arrive at random (Poisson), reading times are exponential with one mean, ``readers`` read in parallel, and a
flagged case interrupts an unflagged one (preemptive-resume priority), so flagged cases wait as if they were alone:
M/M/s with their share of the traffic. The total wait is that of the list without priorities, which fixes the wait of
the rest. Erlang C: Kleinrock, Queueing Systems I (1975), section 3.5; the same model as in Thompson et al.,
"Quantitative evaluation of the wait-time-saving effectiveness of triage algorithms" (FDA QuCAD).
"""

from __future__ import annotations

from dataclasses import dataclass

from ThoraxAILib.errors import InputError


@dataclass(frozen=True)
class Worklist:
    """A reading list and the device that flags cases on it.

    ``traffic`` is the load (0..1) of all readers; ``sensitivity`` and ``false_positive_fraction`` are shares of
    diseased and of healthy cases that are flagged. Raises InputError for impossible values.
    """

    traffic: float
    readers: int = 1
    read_minutes: float = 10.0
    prevalence: float = 0.1
    sensitivity: float = 0.9
    false_positive_fraction: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.traffic < 1:
            raise InputError(
                f"The traffic must lie between 0 and 1, {self.traffic:g} was given: from 1 on the list only grows."
            )
        if self.readers < 1 or not self.read_minutes > 0:
            raise InputError("At least one reader and a reading time above 0 minutes are needed.")
        for name in ("prevalence", "sensitivity", "false_positive_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"The {name.replace('_', ' ')} must lie between 0 and 1, {getattr(self, name):g} was given."
                )

    @property
    def flagged_share(self) -> float:
        """Share of all cases that are flagged."""
        healthy = 1 - self.prevalence
        return self.prevalence * self.sensitivity + healthy * self.false_positive_fraction

    @property
    def arrivals_per_minute(self) -> float:
        """Cases that arrive in a minute."""
        return self.traffic * self.readers / self.read_minutes


@dataclass(frozen=True)
class Waits:
    """Mean minutes from arrival until read, reading itself left out; None for a group without cases."""

    without_ai: float
    flagged: float | None
    not_flagged: float | None
    diseased: float | None
    healthy: float | None

    def to_dict(self) -> dict[str, float | None]:
        """JSON form, with what a diseased case gains, and what one that was missed loses."""
        told = {name: None if value is None else round(value, 6) for name, value in vars(self).items()}
        for name in ("flagged", "not_flagged", "diseased", "healthy"):
            value = getattr(self, name)
            told[f"{name}_change"] = None if value is None else round(value - self.without_ai, 6)
        return told


def waits(worklist: Worklist) -> Waits:
    """Return the mean waits in minutes."""
    share = worklist.flagged_share
    total = mean_wait(worklist.traffic, worklist.readers, worklist.read_minutes)
    flagged = mean_wait(worklist.traffic * share, worklist.readers, worklist.read_minutes) if share > 0 else None
    not_flagged = (total - share * (flagged or 0.0)) / (1 - share) if share < 1 else None
    return Waits(
        total,
        flagged,
        not_flagged,
        _mixed(flagged, not_flagged, worklist.sensitivity) if worklist.prevalence > 0 else None,
        _mixed(flagged, not_flagged, worklist.false_positive_fraction) if worklist.prevalence < 1 else None,
    )


def mean_wait(traffic: float, readers: int, read_minutes: float) -> float:
    """Return the mean wait in an M/M/s list without priorities, by Erlang C; minutes."""
    load = traffic * readers
    blocked = 1.0  # Erlang B by its recursion, stable for many readers
    for count in range(1, readers + 1):
        blocked = load * blocked / (count + load * blocked)
    waiting = blocked / (1 - traffic * (1 - blocked))
    return waiting * read_minutes / (readers * (1 - traffic))


def _mixed(flagged: float | None, not_flagged: float | None, share: float) -> float:
    return share * (flagged or 0.0) + (1 - share) * (not_flagged or 0.0)
