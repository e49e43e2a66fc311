"""The engine: one recursive walk over every element of a data set, at every depth (PS3.15 E.1.1).

It works on the raw elements that pydicom reads: what stays is never decoded, so its bytes stay as they were.
Nothing here knows files, keys on disk or reports; it takes a data set and says what it did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from AnonymizerLib.check.identifiers import Tokens, is_prose, tokens_of
from AnonymizerLib.check.search import text_names
from AnonymizerLib.deidentify.text_rules import TextRules
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.identity.subject import person_of
from AnonymizerLib.objects.content import clean_items
from AnonymizerLib.objects.dummies import dummy_bytes, dummy_items
from AnonymizerLib.objects.element import ORIGINAL_VRS, At, Original, Outcome, Place, encodings_of, raw_text, raw_value
from AnonymizerLib.objects.private_blocks import is_safe, value_is_safe
from AnonymizerLib.objects.well_formed import is_well_formed
from AnonymizerLib.profile.actions import Action, Decision, choose
from AnonymizerLib.profile.decisions import PATIENT_ID, Decisions, expected_vrs
from AnonymizerLib.profile.iods import Location, iod_of
from AnonymizerLib.profile.options import Option, Profile

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from AnonymizerLib.objects.element import Element

OVERLAY_TYPE = 0x0040
SOP_CLASS = 0x00080016
IDENTIFYING = frozenset(
    {
        Action.REMOVE,
        Action.EMPTY,
        Action.DUMMY,
        Action.REPLACE_UID,
        Action.BY_TYPE,
        Action.PSEUDONYM,
        Action.SHIFT_DATE,
        Action.CLEAN_TEXT,
    }
)
NAMING_VRS = frozenset({"PN", "LO", "SH", "ST", "LT", "UT", "UC", "AE", "DA", "DT"})
DAY = 8  # letters of a date and time that name the day


class Deidentifier:
    """Applies a profile with the identities of a project to data sets, in place."""

    def __init__(self, profile: Profile, identities: Identities) -> None:
        self.profile = profile
        self.identities = identities
        self.decisions = Decisions(profile)
        self.texts = TextRules(profile, identities.key, self._by_type, self._remove)
        self.texts.note = self._note
        self._vrs: dict[int, str] = {}
        self._names: dict[tuple[int, str], bool] = {}
        self._handlers: dict[Action, Callable[[At], None]] = {
            Action.REMOVE: self._remove,
            Action.EMPTY: self._empty,
            Action.DUMMY: self._dummy,
            Action.REPLACE_UID: self._replace_uid,
            Action.BY_TYPE: self._by_type,
            Action.RECURSE: self._recurse,
            Action.PSEUDONYM: self._pseudonym,
            Action.SHIFT_DATE: self._shift,
            Action.CLEAN_TEXT: self._clean_text,
            Action.CLEAN_CONTENT: self._clean_content,
            Action.CLEAN_OVERLAY: self._clean_overlay,
            Action.CHECK_TEXT: self.texts.check_text,
            Action.CHECK_CODE: self.texts.check_code,
            Action.CHECK_MEANING: self.texts.check_coded,
            Action.CHECK_NUMBER: self.texts.check_number,
            Action.CHECK_BULK: self.texts.check_defined,
            Action.CAP_AGE: self.texts.cap_age,
            Action.USER_VALUE: self._user_value,
            Action.KEEP: self._keep,
        }

    def clean(self, ds: Dataset) -> Outcome:
        """De-identify a data set read from a file, in place; says what was done and to whom it belonged."""
        encodings = encodings_of(ds, ["iso8859"])
        person = person_of(ds, encodings)
        subject = self.identities.subject_of(person)
        outcome = Outcome(subject, person.patient_id, person.is_nobody)
        tokens = _tokens_of(self._naming(ds), tuple(encodings))
        iod = iod_of(raw_text(ds, SOP_CLASS, encodings))
        self._walk(
            ds, (), Place(iod, subject, encodings, outcome, lambda text: text_names(text, tokens), person.patient_id)
        )
        return outcome

    def _naming(self, ds: Dataset) -> tuple[tuple[int, str, bytes], ...]:
        """List the values at the root that name this patient, the people around, places and days, and that will go."""
        found = []
        known = self._names
        for element in ds.values():
            tag = int(element.tag)
            if (tag >> 16) % 2 or not element.value:
                continue
            vr = self._vr(element, tag)
            names = known.get((tag, vr))
            if names is None:
                names = known[tag, vr] = self._is_naming(tag, vr)
            if names:
                value = raw_value(ds, tag) or b""
                found.append((tag, vr, value[:DAY] if vr == "DT" else value))
        return tuple(found)

    def _is_naming(self, tag: int, vr: str) -> bool:
        return vr in NAMING_VRS and not is_prose(tag) and self.decisions.of(tag, vr).action in IDENTIFYING

    def _walk(self, ds: Dataset, parents: Location, place: Place) -> None:
        private: list[Element] = []
        for element in list(ds.values()):
            tag = int(element.tag)
            if (tag >> 16) % 2:
                private.append(element)
                continue
            vr = self._vr(element, tag)
            decision = self.decisions.of(tag, vr)
            if decision.action is Action.KEEP and vr != "SQ" and _is_sound(element, tag, vr):
                continue
            self._handlers[decision.action](At(ds, element, vr, (*parents, tag), decision, place))
        if private:
            self._private(ds, private, parents, place)

    def _vr(self, element: Element, tag: int) -> str:
        """Return the VR in the file, else the dictionary's; a known attribute stored as UN gets its own."""
        vr = element.VR
        if vr is not None and vr != "UN":
            return vr
        known = self._vrs.get(tag)
        if known is None:
            found = expected_vrs(tag)
            known = self._vrs[tag] = "OW" if "OW" in found else min(found, default="UN", key=lambda one: one != "US")
        return known

    # --- actions of the table ----------------------------------------------------------------------------------

    def _keep(self, at: At) -> None:
        if at.vr == "SQ":
            self._recurse(at)
        elif not is_well_formed(at.tag, at.vr, at.value):
            self._by_type(at.because("malformed"))

    def _remove(self, at: At) -> None:
        self._note(at, Action.REMOVE)
        at.drop()

    def _empty(self, at: At) -> None:
        if not at.is_empty:
            self._note(at, Action.EMPTY)
            at.put(b"")

    def _dummy(self, at: At) -> None:
        self._note(at, Action.DUMMY)
        if at.vr == "SQ":
            at.put_items(dummy_items(at.tag))
        else:
            at.put(self._new_uids(at.value) if at.vr == "UI" else dummy_bytes(at.vr))

    def _by_type(self, at: At) -> None:
        """Choose among the standard's alternatives by the attribute's type in this SOP class."""
        action = choose(at.decision.choices, at.place.iod.type_of(at.location), at.place.iod.known)
        if action is Action.DUMMY and at.tag == PATIENT_ID:
            action = Action.PSEUDONYM
        self._handlers[action](at)

    def _replace_uid(self, at: At) -> None:
        if at.vr == "SQ":
            self._recurse(at)
        elif not at.is_empty:
            new = self._new_uids(at.value)
            if new != at.value.rstrip(b"\0 "):
                self._note(at, Action.REPLACE_UID)
                at.put(new)

    def _recurse(self, at: At) -> None:
        if at.vr != "SQ":
            self._handlers[Action.REPLACE_UID if at.vr == "UI" else Action.BY_TYPE](at)
        elif self.profile.strict and not at.place.iod.defines(at.location):
            self._remove(at.because("not in the SOP class"))
        else:
            for item in at.items:
                self._walk(item, at.location, at.place._replace(encodings=encodings_of(item, at.place.encodings)))

    def _pseudonym(self, at: At) -> None:
        """Write the pseudonym of the instance's person, or of another person when a nested ID is another one."""
        subject = at.place.subject
        if at.tag == PATIENT_ID and at.text and at.text != at.place.patient_id:
            subject = self.identities.subject_of(person_of(at.ds, at.place.encodings, subject))
        self._note(at, Action.PSEUDONYM)
        at.put(self.identities.patient(subject).encode("utf-8"))

    def _user_value(self, at: At) -> None:
        from pydicom.dataelem import DataElement

        self._note(at, Action.USER_VALUE)
        at.ds[at.element.tag] = DataElement(at.element.tag, at.vr, [] if at.vr == "SQ" else at.decision.value)

    # --- cleaning ----------------------------------------------------------------------------------------------

    def _shift(self, at: At) -> None:
        """Whole days only, the same for a patient everywhere: intervals and times of day stay exact."""
        if at.vr == "SQ":
            self._recurse(at)
        if at.vr == "SQ" or at.is_empty:
            return
        if at.vr == "TM":
            self._keep(at)
            return
        shift = {"DA": self.identities.shifted_date, "DT": self.identities.shifted_datetime}.get(at.vr)
        moved = [shift(value, at.place.subject) if shift else "" for value in at.text.split("\\")]
        if all(moved):
            self._note(at, Action.SHIFT_DATE)
            at.put("\\".join(moved).encode("ascii"))
        else:
            self._by_type(at.because("no date to shift", at.decision.choices))

    def _clean_text(self, at: At) -> None:
        if at.vr == "SQ":
            self._recurse(at)
        else:
            self.texts.clean_text(at)

    def _clean_content(self, at: At) -> None:
        if at.vr != "SQ":
            self._by_type(at)
            return
        kept, changed = clean_items(at.items, at.place)
        if changed:
            at.place.outcome.changes.append((at.location, Action.CLEAN_CONTENT, at.decision.reason))
            at.put_items(kept)
        self._recurse(at)

    def _clean_overlay(self, at: At) -> None:
        """Keep the overlay of a region of interest; drawn graphics (perhaps handwriting), curves and comments go."""
        group, number = at.tag >> 16, at.tag & 0xFFFF
        kind = raw_text(at.ds, (group << 16) | OVERLAY_TYPE, at.place.encodings)
        is_text = at.vr in ("LO", "LT", "SH", "ST")
        if group < 0x6000 or is_text or not (kind == "R" or number == OVERLAY_TYPE):
            self._remove(at)

    # --- private elements --------------------------------------------------------------------------------------

    def _private(self, ds: Dataset, elements: list[Element], parents: Location, place: Place) -> None:
        """Private elements by block: an element stays when a rule or the safe list keeps it, its creator with it."""
        creators = {
            int(element.tag): raw_text(ds, element.tag, place.encodings)
            for element in elements
            if 0x10 <= int(element.tag) & 0xFFFF <= 0xFF and element.VR != "SQ"
        }
        used: set[int] = set()
        for element in elements:
            tag = int(element.tag)
            if tag in creators:
                continue
            owner = (tag & 0xFFFF0000) | ((tag & 0xFF00) >> 8)
            decision = self._decide_private(tag, creators.get(owner, ""))
            if decision.action is Action.REMOVE:
                self._note(At(ds, element, element.VR or "", (*parents, tag), decision, place), Action.REMOVE)
                del ds[element.tag]
                continue
            self._keep_private(At(ds, element, element.VR or ds[tag].VR, (*parents, tag), decision, place))
            if element.tag in ds:
                used.add(owner)
        for element in elements:
            if int(element.tag) in creators and int(element.tag) not in used:
                del ds[element.tag]

    def _decide_private(self, tag: int, creator: str) -> Decision:
        rules = self.profile.rules
        if rules is not None and creator and (rule := rules.for_private(creator, tag & 0xFF)) is not None:
            return rule
        if self.profile.has(Option.SAFE_PRIVATE) and creator and is_safe(tag >> 16, creator, tag & 0xFF):
            return Decision(Action.CLEAN_PRIVATE, Option.SAFE_PRIVATE.label)
        return Decision(Action.REMOVE, "private")

    def _keep_private(self, at: At) -> None:
        """Walk the items of a safe element, replace its UIDs, and remove it when it holds a name, a date or prose."""
        if at.vr == "SQ":
            for item in at.items:
                self._walk(item, at.location, at.place._replace(encodings=encodings_of(item, at.place.encodings)))
        elif at.decision.action is Action.CLEAN_PRIVATE and at.vr == "UI":
            self._replace_uid(at)
        elif at.decision.action is Action.CLEAN_PRIVATE and (
            not value_is_safe(at.tag, at.vr, at.value, at.text) or at.place.names_somebody(at.text)
        ):
            self._remove(at)

    # --- notes -------------------------------------------------------------------------------------------------

    def _new_uids(self, value: bytes | None) -> bytes:
        uids = (value or b"").decode("ascii", "replace").split("\\")
        return "\\".join(self.identities.uid(uid.strip("\0 ")) for uid in uids).encode("ascii", "replace")

    def _note(self, at: At, action: Action) -> None:
        """Remember what is done, and the value that goes, for the search of leaks."""
        outcome = at.place.outcome
        outcome.changes.append((at.location, action, at.decision.reason))
        is_private = (at.tag >> 16) % 2 == 1
        if at.vr == "SQ":
            self._collect(at.items, outcome)
        elif at.vr == "PN" or (at.vr in ORIGINAL_VRS and not is_private):
            if at.value:
                outcome.originals.append(Original(at.tag, at.vr, at.value))

    def _collect(self, items: Iterable[Dataset], outcome: Outcome) -> None:
        """Remember the identifying values inside a sequence that goes as a whole; what may stay elsewhere is none."""
        for item in items:
            for element in list(item.values()):
                tag = int(element.tag)
                vr = self._vr(element, tag)
                if vr == "SQ":
                    self._collect(item[element.tag].value or (), outcome)
                elif vr in ORIGINAL_VRS and self.decisions.of(tag, vr).action in IDENTIFYING:
                    outcome.originals.append(Original(tag, vr, raw_value(item, tag) or b""))

    def scrub(self, ds: Dataset, location: Location, holds: Callable[[bytes, list[str]], bool]) -> None:
        """Take an element that still holds an identifier out of a cleaned data set, in every item that has it there.

        A UID that was retained is replaced, so that what refers to it still does.
        """
        iod = iod_of(raw_text(ds, SOP_CLASS, ["ascii"]))
        for holder, encodings in _holders(ds, location, encodings_of(ds, ["iso8859"])):
            element = holder.get_item(location[-1])
            at = At(
                holder,
                element,
                self._vr(element, location[-1]),
                location,
                Decision(Action.BY_TYPE, "held an identifier"),
                Place(iod, "", encodings, Outcome()),
            )
            if holds(at.value, encodings):
                (self._replace_uid if at.vr == "UI" else self._by_type)(at)


@lru_cache(maxsize=256)
def _tokens_of(values: tuple[tuple[int, str, bytes], ...], encodings: tuple[str, ...]) -> Tokens:
    """Collect what names one patient; the instances of a series share it."""
    return tokens_of([Original(tag, vr, value) for tag, vr, value in values], list(encodings))


def _is_sound(element: Element, tag: int, vr: str) -> bool:
    """Whether a raw element that may stay is what its VR says."""
    value = element.value
    return not value or not isinstance(value, bytes) or is_well_formed(tag, vr, value)


def _holders(ds: Dataset, location: Location, encodings: list[str]) -> Iterable[tuple[Dataset, list[str]]]:
    """Find the data set or the items that hold the last tag of a location, with their encodings."""
    if len(location) == 1:
        if location[0] in ds:
            yield ds, encodings
    elif location[0] in ds:
        for item in ds[location[0]].value or ():
            yield from _holders(item, location[1:], encodings_of(item, encodings))
