"""The same worklist case by case: an event simulation that shares no formula with ``queue``."""

from __future__ import annotations

import heapq
from collections import deque

import numpy as np

from LungNoduleAILib.triage.queue import Waits, Worklist
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress

WARM_UP = 0.01  # share of cases at the start that are not counted: the list begins empty
STEPS = 1 << 14


def simulate(worklist: Worklist, cases: int, seed: int = 0, progress: Progress | None = None) -> Waits:
    """Return the mean waits in minutes over ``cases`` cases, in the same list with and without flags.

    Raises InputError for fewer than 100 cases, Cancelled when ``progress`` says so.
    """
    if cases < 100:
        raise InputError(f"{cases} cases are too few for a mean: simulate at least 100.")
    generator = np.random.default_rng(seed)
    arrival = np.cumsum(generator.exponential(1 / worklist.arrivals_per_minute, cases))
    service = generator.exponential(worklist.read_minutes, cases)
    diseased = generator.random(cases) < worklist.prevalence
    chance = np.where(diseased, worklist.sensitivity, worklist.false_positive_fraction)
    flagged = generator.random(cases) < chance
    told = progress or Progress()
    plain = _run(arrival, service, np.zeros(cases, dtype=bool), worklist.readers, told.part(0.0, 0.5))
    sorted_ = _run(arrival, service, flagged, worklist.readers, told.part(0.5, 1.0))
    counted = np.arange(cases) >= int(WARM_UP * cases)

    def mean(wait: np.ndarray, chosen: np.ndarray) -> float | None:
        chosen = chosen & counted
        return float(wait[chosen].mean()) if chosen.any() else None

    return Waits(
        float(plain[counted].mean()),
        mean(sorted_, flagged),
        mean(sorted_, ~flagged),
        mean(sorted_, diseased),
        mean(sorted_, ~diseased),
    )


def _run(arrival: np.ndarray, service: np.ndarray, flagged: np.ndarray, readers: int, progress: Progress) -> np.ndarray:
    """Return the minutes each case waits: its time until it is read less its own reading time."""
    room = _ReadingRoom(arrival.tolist(), service.tolist(), flagged.tolist(), readers)
    for case, now in enumerate(room.arrival):
        if case % STEPS == 0:
            progress(case / len(room.arrival), f"{case} cases")
        room.finish_until(now)
        room.arrive(case, now)
    room.finish_until(float("inf"))
    return room.waits


class _ReadingRoom:
    """Readers and the cases that wait for them.

    A flagged case that finds all readers busy interrupts the unflagged one that was begun last; that one goes on from
    where it was as the first of the unflagged.
    """

    def __init__(self, arrival: list[float], minutes: list[float], urgent: list[bool], readers: int) -> None:
        self.arrival, self.minutes, self.urgent, self.free = arrival, minutes, urgent, readers
        self.waits = np.empty(len(arrival))
        self._left = list(minutes)
        self._ends: list[tuple[float, int, int]] = []  # (end, ticket, case); a stale ticket was interrupted
        self._ticket_of: dict[int, int] = {}
        self._begun: dict[int, float] = {}
        self._running: list[int] = []  # unflagged cases being read, the last begun at the end
        self._first: deque[int] = deque()
        self._later: deque[int] = deque()
        self._tickets = 0

    def arrive(self, case: int, now: float) -> None:
        """Read a case, interrupt another one for it, or let it wait."""
        if self.free:
            self._start(case, now)
        elif self.urgent[case] and self._running:
            self._interrupt(now)
            self._start(case, now)
        else:
            (self._first if self.urgent[case] else self._later).append(case)

    def finish_until(self, now: float) -> None:
        """End what is read by then, and begin what waited for it."""
        while self._ends and self._ends[0][0] <= now:
            end, ticket, case = heapq.heappop(self._ends)
            if self._ticket_of.get(case) != ticket:
                continue
            del self._ticket_of[case], self._begun[case]
            if not self.urgent[case]:
                self._running.remove(case)
            self.waits[case] = end - self.arrival[case] - self.minutes[case]
            self.free += 1
            queue = self._first or self._later
            if queue:
                self._start(queue.popleft(), end)

    def _start(self, case: int, now: float) -> None:
        self._tickets += 1
        self.free -= 1
        self._ticket_of[case], self._begun[case] = self._tickets, now
        heapq.heappush(self._ends, (now + self._left[case], self._tickets, case))
        if not self.urgent[case]:
            self._running.append(case)

    def _interrupt(self, now: float) -> None:
        case = self._running.pop()
        self._left[case] -= now - self._begun.pop(case)
        del self._ticket_of[case]
        self._later.appendleft(case)
        self.free += 1
