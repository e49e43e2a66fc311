"""Progress from 0 to 1 with a sentence, and the place where a cancel takes effect."""

from __future__ import annotations

from collections.abc import Callable

from ThoraxAILib.errors import Cancelled

Report = Callable[[float, str], None]


class Progress:
    """Called by long work as ``progress(fraction, text)``; raises Cancelled once the person has asked to stop."""

    def __init__(
        self,
        report: Report | None = None,
        is_cancelled: Callable[[], bool] | None = None,
        start: float = 0.0,
        end: float = 1.0,
    ) -> None:
        self._report = report
        self._is_cancelled = is_cancelled
        self._start, self._end = start, end

    def __call__(self, fraction: float, text: str) -> None:
        """Report that this piece of work is at ``fraction`` (0..1), and stop here when cancelled."""
        if self._is_cancelled is not None and self._is_cancelled():
            raise Cancelled("Cancelled by the user.")
        if self._report is not None:
            fraction = min(max(fraction, 0.0), 1.0)
            self._report(self._start + fraction * (self._end - self._start), text)

    def part(self, start: float, end: float) -> Progress:
        """Return a progress whose 0..1 covers ``start``..``end`` of this one."""
        span = self._end - self._start
        return Progress(self._report, self._is_cancelled, self._start + start * span, self._start + end * span)
