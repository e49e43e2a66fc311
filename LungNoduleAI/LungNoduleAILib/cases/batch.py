"""Several cases in child processes, and what is to be done with inputs that hold none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from LungNoduleAILib.cases.analyze_case import has_earlier_result
from LungNoduleAILib.cases.cohort.tables import FAILED, LEFT_OUT, IndexRow, failed_row, finished_row
from LungNoduleAILib.cases.requests import ANALYZE, CaseRequest
from ThoraxAILib.errors import InputError
from ThoraxAILib.io import Case, find_cases
from ThoraxAILib.jobs.child_python import child_words
from ThoraxAILib.jobs.serving.child_batch import BatchWatch, ChildBatch

if TYPE_CHECKING:
    from LungNoduleAILib.analysis.engines import LungEngines


def gather_cases(inputs: Sequence[Path]) -> tuple[list[Case], list[IndexRow]]:
    """Return cases at the inputs, and a failed row for each input that holds none; raises for a single bad input."""
    notes: list[str] = []
    try:
        return find_cases(inputs, on_note=notes.append), _left_out(notes)
    except InputError:
        if len(inputs) == 1:
            raise
    usable, failed = [], []
    for path in inputs:
        try:
            find_cases([path])
            usable.append(path)
        except InputError as error:
            failed.append(IndexRow(path.name, FAILED, message=str(error), path=str(path)))
    notes.clear()
    cases = find_cases(usable, on_note=notes.append) if usable else []
    return cases, [*_left_out(notes), *failed]


def _left_out(notes: Sequence[str]) -> list[IndexRow]:
    return [IndexRow(note.split("'")[1], LEFT_OUT, message=note) for note in notes]


class Batch(ChildBatch[CaseRequest, IndexRow]):
    """Analyzes CTs; ``engines`` are those the children will choose, so that what is done is known without a child."""

    packages = ("ThoraxAILib", "LungNoduleAILib")
    noun = "cases"

    def __init__(
        self,
        requests: Sequence[CaseRequest],
        jobs: int,
        watch: BatchWatch[IndexRow],
        engines: LungEngines | None = None,
    ) -> None:
        super().__init__(requests, jobs, watch)
        self._engines = engines

    def words(self, asked: CaseRequest) -> list[str]:
        """Return the command of one case."""
        return child_words(ANALYZE, asked.for_command())

    def output(self, asked: CaseRequest) -> Path:
        """Return the folder of its results."""
        return asked.output

    def earlier_row(self, asked: CaseRequest) -> IndexRow | None:
        """Return the row of a case that the same engines have analyzed before."""
        if self._engines is None or not asked.resume or not has_earlier_result(asked, self._engines):
            return None
        return self.finished_row(asked, True, 0.0)

    def finished_row(self, asked: CaseRequest, resumed: bool, seconds: float) -> IndexRow:
        """Return the row of a case with its numbers."""
        return finished_row(asked.case, asked.output, resumed, seconds)

    def failed_row(self, asked: CaseRequest, message: str, seconds: float) -> IndexRow:
        """Return the row of a case without a result."""
        return failed_row(asked.case, message, seconds)
