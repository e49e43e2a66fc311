"""Person and exam on the command line of an analysis: what the guidelines section of the report is told."""

from __future__ import annotations

import argparse

from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.guidelines.terms.vocabulary import EXAMS
from ThoraxAILib.errors import InputError

YES, NO = "yes", "no"


def add_person_arguments(parser: argparse.ArgumentParser) -> None:
    """Mount the options; what is not given is not stated."""
    group = parser.add_argument_group("for the guidelines in the report (none is asked without --exam or --age)")
    group.add_argument("--exam", choices=EXAMS, help="kind of exam: it decides which guideline fits")
    group.add_argument("--age", type=_years, metavar="YEARS", help="age of the person")
    group.add_argument("--sex", choices=("F", "M"), help="sex of the person, for the Brock model")
    group.add_argument("--risk", choices=("low", "high"), help="risk of lung cancer, for Fleischner 2017")
    group.add_argument("--smoker", choices=(YES, NO), help="whether the person ever smoked, for the Mayo model")


def _years(text: str) -> float:
    years = float(text)
    return int(years) if years.is_integer() else years


def person_of(arguments: argparse.Namespace, cases: int) -> PersonAndExam:
    """What was stated; raises InputError for an impossible value, or when one person is described for several cases."""
    smoker = None if arguments.smoker is None else arguments.smoker == YES
    person = PersonAndExam(
        exam=arguments.exam, age=arguments.age, sex=arguments.sex, risk=arguments.risk, smoker_ever=smoker
    )
    if cases > 1 and set(person.stated()) - {"exam"}:
        raise InputError(
            f"--age, --sex, --risk and --smoker describe one person, {cases} cases were given: analyze them one by one."
        )
    return person


def as_arguments(person: PersonAndExam) -> list[str]:
    """The same as options of a command."""
    smoker = None if person.smoker_ever is None else YES if person.smoker_ever else NO
    options = {
        "--exam": person.exam,
        "--age": person.age,
        "--sex": person.sex,
        "--risk": person.risk,
        "--smoker": smoker,
    }
    return [text for name, value in options.items() if value is not None for text in (name, str(value))]
