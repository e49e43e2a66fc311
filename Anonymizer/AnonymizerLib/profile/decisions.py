"""From a tag to what happens to it: the person's rules, then the options, then the table, then the VR.

PS3.15 E.1.1 lets a de-identifier go beyond the table; what the table does not list is decided here by the value
representation: unknown attributes go, dates follow the date options, names and unlisted free text go.
"""

from __future__ import annotations

from functools import lru_cache

from AnonymizerLib.profile.actions import Action, Decision
from AnonymizerLib.profile.dictionary import DictionaryDecision, explicit_decisions, reviewed
from AnonymizerLib.profile.options import OPTION_BY_LABEL, Option, Profile
from AnonymizerLib.profile.table import Row, row_of

CLEANING = {
    Option.CLEAN_DESCRIPTORS: Action.CLEAN_TEXT,
    Option.CLEAN_STRUCTURED_CONTENT: Action.CLEAN_CONTENT,
    Option.CLEAN_GRAPHICS: Action.CLEAN_OVERLAY,
    Option.MODIFIED_DATES: Action.SHIFT_DATE,
    Option.SAFE_PRIVATE: Action.CLEAN_PRIVATE,
    Option.PATIENT_CHARACTERISTICS: Action.CLEAN_TEXT,
    Option.DEVICE: Action.CLEAN_TEXT,
}
PATIENT_NAME, PATIENT_ID, PATIENT_AGE, TRIAL_SUBJECT = 0x00100010, 0x00100020, 0x00101010, 0x00120040
# UI attributes that name a class, an encoding or a coding scheme: they say nothing about a person (PS3.3, PS3.6).
CLASS_UIDS = frozenset(
    {
        0x00080016,
        0x0008001A,
        0x0008001B,
        0x00080062,
        0x0008010C,
        0x00080117,
        0x00080118,
        0x00081150,
        0x0008115A,
        0x00041510,
        0x00041512,
        0x0004151A,
        0x04000010,
        0x04000510,
        0x0040DB0D,
    }
)
WRITTEN_BY_US = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})
ENCRYPTED_ATTRIBUTES = 0x04000500
# What a coded concept is made of (PS3.3 Table 8.8-1): code value, scheme, meaning, long and URN code values.
CODED = frozenset({0x00080100, 0x00080102, 0x00080103, 0x00080104, 0x00080119, 0x00080120})
TEXT_VRS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC", "UR"})
DATE_VRS = frozenset({"DA", "TM", "DT"})
NUMBER_VRS = frozenset({"DS", "IS", "AS"})
BULK_VRS = frozenset({"OB", "OW", "UN", "OF", "OD", "OL", "OV"})
BINARY_VRS = frozenset({"US", "SS", "UL", "SL", "FL", "FD", "SV", "UV", "AT"})


class Decisions:
    """Decides for every tag, once; ask with ``of``."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._known: dict[tuple[int, str], Decision] = {}

    def of(self, tag: int, vr: str) -> Decision:
        """Say what to do with this public attribute or private element when it is stored as this representation.

        A file may store an attribute as another one than the file before it: "Rows" as text is text.
        """
        decision = self._known.get((tag, vr))
        if decision is None:
            decision = self._known[tag, vr] = self._decide(tag, vr)
        return decision

    def _decide(self, tag: int, vr: str) -> Decision:
        rules = self.profile.rules
        if rules is not None and not (tag >> 16) % 2 and (rule := rules.for_tag(tag)) is not None:
            return rule
        if tag & 0xFFFF == 0:
            return Decision(Action.REMOVE, "group length")
        if tag == ENCRYPTED_ATTRIBUTES:
            return Decision(Action.REMOVE, "encrypted originals of an earlier de-identification")
        if tag in WRITTEN_BY_US:
            return Decision(Action.KEEP, "written anew")
        row = row_of(tag)
        if not _fits(tag, vr):
            return Decision(Action.BY_TYPE, "stored as another kind of value")
        return self._listed(tag, row, vr) if row is not None else self._unlisted(tag, vr)

    def _listed(self, tag: int, row: Row, vr: str) -> Decision:
        """Decide by a row of the table: an option overrides the basic action (PS3.15 E.1.1)."""
        for option in Option:
            column = row.options.get(option.label)
            if column is not None and self.profile.has(option):
                return self._by_option(tag, row, option, column, vr)
        if tag in (PATIENT_NAME, PATIENT_ID, TRIAL_SUBJECT):
            return Decision(Action.PSEUDONYM, "basic profile")
        if row.basic == "X/Z/U*":
            return Decision(Action.RECURSE, "basic profile")
        if "/" in row.basic:
            return Decision(Action.BY_TYPE, "basic profile", row.basic)
        action = {"X": Action.REMOVE, "Z": Action.EMPTY, "D": Action.DUMMY, "U": Action.REPLACE_UID}[row.basic]
        return Decision(action, "basic profile", row.basic)

    @staticmethod
    def _by_option(tag: int, row: Row, option: Option, column: str, vr: str) -> Decision:
        choices = "X/Z/D" if row.basic == "X/Z/U*" else row.basic
        if column == "K" and vr not in ("SQ", row.vr) and row.vr and not {vr, row.vr} <= TEXT_VRS:
            return Decision(Action.BY_TYPE, "stored as another kind of value")
        if tag == PATIENT_AGE:
            return Decision(Action.CAP_AGE, option.label, choices)
        if column == "K" and row.vr != "SQ" and (option is Option.PATIENT_CHARACTERISTICS or row.vr in NUMBER_VRS):
            return Decision(_checked(row.vr), option.label, choices)  # what is kept is still not taken on trust
        if column == "K":
            return Decision(Action.RECURSE if row.vr == "SQ" else Action.KEEP, option.label, choices)
        if row.vr == "SQ" and option is not Option.CLEAN_STRUCTURED_CONTENT:
            return Decision(Action.RECURSE, option.label, choices)
        return Decision(CLEANING[option], option.label, choices)

    def _unlisted(self, tag: int, vr: str) -> Decision:
        group = tag >> 16
        if 0x6000 <= group <= 0x601E:
            action = Action.CLEAN_OVERLAY if self.profile.has(Option.CLEAN_GRAPHICS) else Action.REMOVE
            return Decision(action, "overlay group")
        if tag not in reviewed():
            return Decision(Action.REMOVE, "unknown public attribute")
        decided = explicit_decisions().get(tag)
        if decided is not None and not self._is_kept_by_option(decided):
            return Decision(Action.REMOVE, decided.why)
        if vr == "UI":
            is_class = tag in CLASS_UIDS or self.profile.has(Option.UIDS)
            return Decision(Action.KEEP if is_class else Action.REPLACE_UID, "unlisted UID")
        if tag in CODED:
            return Decision(Action.CHECK_MEANING, "not listed")
        if vr in DATE_VRS:
            return self._unlisted_date()
        return Decision(_checked(vr), "not listed")

    def _is_kept_by_option(self, decided: DictionaryDecision) -> bool:
        """Whether an option keeps an attribute that otherwise goes."""
        return decided.action in OPTION_BY_LABEL and self.profile.has(OPTION_BY_LABEL[decided.action])

    def _unlisted_date(self) -> Decision:
        if self.profile.has(Option.FULL_DATES):
            return Decision(Action.KEEP, Option.FULL_DATES.label)
        if self.profile.has(Option.MODIFIED_DATES):
            return Decision(Action.SHIFT_DATE, Option.MODIFIED_DATES.label)
        return Decision(Action.BY_TYPE, "unlisted date or time")


def _fits(tag: int, vr: str) -> bool:
    """Whether a value stored as this representation can be what the dictionary says: no bytes in place of text.

    Texts are judged by what they are stored as, sequences by their items.
    """
    if vr not in BULK_VRS and vr not in BINARY_VRS:
        return True
    expected = expected_vrs(tag)
    likely = BULK_VRS if vr in BULK_VRS else BULK_VRS | BINARY_VRS
    return not expected or vr in expected or not likely.isdisjoint(expected)


@lru_cache(maxsize=8192)
def expected_vrs(tag: int) -> frozenset[str]:
    """List the representations that the dictionary names for an attribute; none for one that it does not know."""
    from pydicom.datadict import dictionary_VR

    try:
        return frozenset(dictionary_VR(tag).split(" or "))
    except KeyError:
        return frozenset()


def _checked(vr: str) -> Action:
    """Choose how a value of this representation that may stay is checked."""
    if vr == "SQ":
        return Action.RECURSE
    if vr in ("PN", "AE"):
        return Action.BY_TYPE
    if vr in TEXT_VRS:
        return Action.CHECK_TEXT
    if vr == "CS":
        return Action.CHECK_CODE
    if vr in NUMBER_VRS:
        return Action.CHECK_NUMBER
    return Action.CHECK_BULK if vr in BULK_VRS else Action.KEEP
