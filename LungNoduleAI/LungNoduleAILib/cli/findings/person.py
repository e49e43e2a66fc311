"""One person for one case: what --age and the like may not be given for."""

from __future__ import annotations

from dataclasses import replace

from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from ThoraxAILib.errors import InputError


def check_one_person(person: PersonAndExam, cases: int) -> None:
    """Raise InputError when one person is described for several cases; the kind of exam may be the same for all."""
    flags = [word for word in replace(person, exam=None).to_argv() if word.startswith("--")]
    if cases > 1 and flags:
        verb = "describes" if len(flags) == 1 else "describe"
        raise InputError(f"{' and '.join(flags)} {verb} one person, {cases} cases were given: analyze them one by one.")
