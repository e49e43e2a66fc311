"""``thoraxai lung guideline``: one rule on stated inputs, from a JSON file or standard input, to standard output."""

from __future__ import annotations

import argparse
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from LungNoduleAILib.guidelines.rules import RULES, apply_guideline
from LungNoduleAILib.guidelines.terms.listing import inputs_text
from LungNoduleAILib.guidelines.wording import answer_text
from ThoraxAILib.errors import InputError

STANDARD_INPUT = "-"
SOME_FAILED = 2


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Mount ``guideline``."""
    parser = commands.add_parser(
        "guideline",
        help="what a guideline or risk model says to stated inputs",
        description="Rules advise, the reader decides. Research use only.",
        epilog=inputs_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rule", choices=tuple(RULES), metavar="RULE", help=", ".join(RULES))
    parser.add_argument("inputs", metavar="INPUTS.json", help="one object or a list of objects; - reads standard input")
    parser.add_argument("--text", action="store_true", help="sentences for a person instead of JSON")
    parser.set_defaults(run=_guideline)


def _guideline(arguments: argparse.Namespace) -> int:
    stated = _read(arguments.inputs)
    if not isinstance(stated, list):
        answers = [apply_guideline(arguments.rule, stated)]
    else:
        answers = [_answer_or_error(arguments.rule, entry) for entry in stated]
    if arguments.text:
        print("\n\n".join(answer_text(answer) for answer in answers))
    else:
        print(json.dumps(answers if isinstance(stated, list) else answers[0], indent=2))
    return SOME_FAILED if any("error" in answer for answer in answers) else 0


def _answer_or_error(rule: str, entry: Any) -> dict:
    """One item of a list; what is wrong with it does not keep the others from an answer."""
    try:
        return apply_guideline(rule, entry)
    except InputError as error:
        return {"rule": rule, "error": str(error)}


def _read(name: str) -> Any:
    """Return the parsed inputs, numbers exact as they were written; raises InputError."""
    try:
        if name == STANDARD_INPUT:
            text = sys.stdin.read()
        else:
            text = Path(name).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("The inputs are not UTF-8 text: give a JSON file.") from error
    except OSError as error:
        raise InputError(
            f"The inputs cannot be read ({error.strerror}): give a JSON file, or - for standard input."
        ) from error
    try:
        return json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise InputError(
            f"The inputs are not JSON (line {error.lineno}: {error.msg}): give one object or a list of objects."
        ) from error
    except RecursionError as error:
        raise InputError("The inputs are nested too deeply: give one object or a list of objects.") from error
