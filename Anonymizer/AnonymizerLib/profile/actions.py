"""The actions an attribute can meet, and the choice between them by the attribute's type in its IOD."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Action(enum.Enum):
    """What happens to one attribute; the value is the code that reports show (PS3.15 Table E.1-1a where it has one)."""

    KEEP = "K"
    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    REPLACE_UID = "U"
    BY_TYPE = "by type"
    RECURSE = "items"
    PSEUDONYM = "pseudonym"
    SHIFT_DATE = "C date"
    CLEAN_TEXT = "C text"
    CLEAN_CONTENT = "C content"
    CLEAN_PRIVATE = "C private"
    CLEAN_OVERLAY = "C graphics"
    CHECK_TEXT = "check text"
    CHECK_CODE = "check code"
    CHECK_MEANING = "check coded concept"
    CHECK_NUMBER = "check number"
    CHECK_BULK = "check bulk"
    CAP_AGE = "C age"
    USER_VALUE = "replace"


@dataclass(frozen=True)
class Decision:
    """An action with where it comes from.

    ``choices`` is the standard's alternative (X/Z/D ...) that the IOD type decides, also when a check fails.
    """

    action: Action
    reason: str
    choices: str = "X/Z/D"
    value: object = ""


def choose(choices: str, iod_type: str | None, iod_known: bool) -> Action:
    """X, Z or D for an attribute of this type (PS3.15 Table E.1-1a); in an unknown IOD the safe, valid one."""
    if iod_type is None:
        order = "XZD" if iod_known else "DZX"
    else:
        order = {"1": "DZX", "1C": "DZX", "2": "ZDX", "2C": "ZDX", "3": "XZD"}[iod_type]
    offered = choices.split("/")
    code = next(letter for letter in order if letter in offered)
    return Action(code)
