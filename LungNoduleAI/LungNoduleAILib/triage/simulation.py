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
    """Return the minutes each case waits: its time until it is read less its own reading time.

    A flagged case that finds all readers busy interrupts the unflagged one that was begun last; that one goes on from
    where it was as the first of the unflagged.
    """
    times, minutes, urgent = arrival.tolist(), service.tolist(), flagged.tolist()
    left = list(minutes)
    waits = np.empty(len(times))
    ends: list[tuple[float, int, int]] = []  # (end, ticket, case); a stale ticket was interrupted
    ticket_of: dict[int, int] = {}
    begun: dict[int, float] = {}
    running: list[int] = []  # unflagged cases being read, the last begun at the end
    first: deque[int] = deque()
    later: deque[int] = deque()
    tickets = free = 0
    free = readers

    def start(case: int, now: float) -> None:
        nonlocal tickets, free
        tickets += 1
        free -= 1
        ticket_of[case], begun[case] = tickets, now
        heapq.heappush(ends, (now + left[case], tickets, case))
        if not urgent[case]:
            running.append(case)

    def finish_until(now: float) -> None:
        nonlocal free
        while ends and ends[0][0] <= now:
            end, ticket, case = heapq.heappop(ends)
            if ticket_of.get(case) != ticket:
                continue
            del ticket_of[case], begun[case]
            if not urgent[case]:
                running.remove(case)
            waits[case] = end - times[case] - minutes[case]
            free += 1
            queue = first or later
            if queue:
                start(queue.popleft(), end)

    for case, now in enumerate(times):
        if case % STEPS == 0:
            progress(case / len(times), f"{case} cases")
        finish_until(now)
        if free:
            start(case, now)
        elif urgent[case] and running:
            interrupted = running.pop()
            left[interrupted] -= now - begun.pop(interrupted)
            del ticket_of[interrupted]
            later.appendleft(interrupted)
            free += 1
            start(case, now)
        else:
            (first if urgent[case] else later).append(case)
    finish_until(float("inf"))
    return waits
