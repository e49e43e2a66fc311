"""What becomes of text that the table does not list: it stays when it belongs there, names nobody and is understood.

Understood means: made of listed words and harmless numbers, or a term of the standard. "Names nobody" is asked with
the identifiers of this very patient, whatever list a word may be on.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.objects.element import At, raw_text
from AnonymizerLib.objects.well_formed import is_well_formed
from AnonymizerLib.profile.actions import Action
from AnonymizerLib.profile.code_strings import PERMITTED, code_may_stay, is_defined
from AnonymizerLib.profile.known_codes import (
    PUBLIC_SCHEMES,
    code_value_may_stay,
    meaning_of,
    scheme_may_stay,
)
from AnonymizerLib.profile.number_shapes import OLDEST_YEARS
from AnonymizerLib.profile.options import Option, Profile
from AnonymizerLib.profile.table import row_of
from AnonymizerLib.profile.words import label_may_stay, may_stay, tokens_of

# PS3.5 Table 6.2-1: what a number string and an age string may consist of.
NUMBER = re.compile(rb"^[0-9.eE+\- \\\0]*$")
AGE = re.compile(rb"^(\d{3}[DWMY])?[ \0]*$")
VERSION = re.compile(r"^[0-9][0-9A-Za-z.\-_]{0,15}$")
CODE_VALUE, SCHEME, SCHEME_VERSION, MEANING = 0x00080100, 0x00080102, 0x00080103, 0x00080104
LONGEST_MEANING = 64  # LO, PS3.5 Table 6.2-1
# Makers, models and software of equipment: an own word is no name of a person under the Retain Device option.
EQUIPMENT = frozenset(
    {
        0x00080070,
        0x00081090,
        0x00080222,
        0x00181016,
        0x00181018,
        0x00181019,
        0x00181020,
        0x0018702A,
        0x0018702B,
        0x00189041,
        0x00189050,
        0x3010001A,
    }
)
# Words that are listed for one attribute only: elsewhere they are names.
ETHNIC_GROUP = 0x00102160
ANCESTRY = frozenset(
    (
        "african alaska american arab asian black caucasian caucasoid east european hispanic indian islander latina "
        "latino middle mixed mongoloid native north not of or other pacific south southeast unknown white"
    ).split()
)
Handler = Callable[[At], None]


class TextRules:
    """The checks of unlisted texts, codes, code strings, numbers and ages; what fails goes by its type in the IOD."""

    def __init__(self, profile: Profile, key: ProjectKey, by_type: Handler, remove: Handler) -> None:
        self.profile = profile
        self.key = key
        self._by_type = by_type
        self._remove = remove
        self.note: Callable[[At, Action], None] = lambda _at, _action: None

    def clean_text(self, at: At) -> None:
        """Keep a listed description under a cleaning option only when it consists of listed words and names nobody."""
        if at.place.names_somebody(at.text):
            self._by_type(at.because("names the patient", at.decision.choices))
        elif not may_stay(at.text):
            self._by_type(at)

    def check_text(self, at: At) -> None:
        """Keep free text that consists of listed words and names nobody; where no option keeps it, by its class too."""
        if row_of(at.tag) is None and not at.place.iod.defines(at.location):
            self._by_type(at.because("not in the SOP class"))
        elif not is_well_formed(at.tag, at.vr, at.value):
            self._by_type(at.because("malformed"))
        elif at.place.names_somebody(at.text):
            self._by_type(at.because("names the patient"))
        elif not (label_may_stay(at.text) or _belongs_to(at.tag, at.text) or self._tells_the_device(at.tag)):
            self._by_type(at.because("text outside the word list"))

    def _tells_the_device(self, tag: int) -> bool:
        return tag in EQUIPMENT and self.profile.has(Option.DEVICE)

    def check_code(self, at: At) -> None:
        """Each code string is a term of the standard or made of listed words; of several only the bad ones go."""
        if at.value and not PERMITTED.match(at.value):
            self._by_type(at.because("not a code string"))
            return
        terms = [term.strip("\0 ") for term in at.value.decode("ascii").split("\\")]
        kept = [self._code_stays(at, term) for term in terms]
        if all(kept):
            if self.profile.strict:
                self.check_defined(at)
        elif any(kept) and len(terms) > 1:
            self.note(at.because("typed by hand"), Action.CLEAN_TEXT)
            cleaned = (term if stays else "REMOVED" for term, stays in zip(terms, kept, strict=True))
            at.put("\\".join(cleaned).encode("ascii"))
        else:
            self._by_type(at.because("typed by hand"))

    @staticmethod
    def _code_stays(at: At, term: str) -> bool:
        if not term or is_defined(at.tag, term):
            return True
        return code_may_stay(at.tag, term) and not at.place.names_somebody(term)

    def check_number(self, at: At) -> None:
        """Take out a number string that is no number; cap an age string."""
        if at.vr == "AS":
            self.cap_age(at)
        elif at.value and not NUMBER.match(at.value):
            self._by_type(at.because("not a number"))
        elif self.profile.strict:
            self.check_defined(at)

    def cap_age(self, at: At) -> None:
        """Ages over 89 become one category."""
        value = at.value
        if not AGE.match(value):
            self._by_type(at.because("not an age", "X"))
        elif value[3:4] == b"Y" and int(value[:3]) > OLDEST_YEARS and value[:4] != b"090Y":
            self.note(at, Action.CAP_AGE)
            at.put(b"090Y")

    def check_defined(self, at: At) -> None:
        """Bulk data may hold anything: it stays only where the SOP class defines it, and when it is no disguise."""
        if not at.place.iod.defines(at.location):
            self._remove(at.because("not in the SOP class"))
        elif not is_well_formed(at.tag, at.vr, at.value):
            self._by_type(at.because("malformed"))

    # --- coded concepts ----------------------------------------------------------------------------------------

    def check_coded(self, at: At) -> None:
        """One part of a coded concept: a code, a scheme and a meaning are free text until shown to be more."""
        if not at.place.iod.defines(at.location):
            self._by_type(at.because("not in the SOP class"))
        elif not is_well_formed(at.tag, at.vr, at.value):
            self._by_type(at.because("malformed"))
        else:
            {SCHEME: self._check_scheme, SCHEME_VERSION: self._check_version, MEANING: self._check_meaning}.get(
                at.tag, self._check_code_value
            )(at)

    def _check_scheme(self, at: At) -> None:
        """Rename a local coding scheme, which names its hospital: the same new name everywhere."""
        if not scheme_may_stay(at.text) or (at.text not in PUBLIC_SCHEMES and at.place.names_somebody(at.text)):
            self.note(at.because("local coding scheme"), Action.CLEAN_TEXT)
            at.put(b"99T" + self.key.short_name("scheme", at.text).encode("ascii"))

    def _check_version(self, at: At) -> None:
        is_public = raw_text(at.ds, SCHEME, ["ascii"]) in PUBLIC_SCHEMES
        if not (is_public and VERSION.match(at.text)) and not label_may_stay(at.text):
            self._by_type(at.because("version of a local scheme"))

    def _check_code_value(self, at: At) -> None:
        scheme = raw_text(at.ds, SCHEME, ["ascii"])
        is_known = meaning_of(scheme, at.text) is not None
        if not is_known and (at.place.names_somebody(at.text) or not code_value_may_stay(scheme, at.text)):
            self._by_type(at.because("a code that is text", "D"))

    def _check_meaning(self, at: At) -> None:
        """Write the meaning of a known code as the standard has it when the file says anything unusual."""
        if label_may_stay(at.text) and not at.place.names_somebody(at.text):
            return
        known = meaning_of(raw_text(at.ds, SCHEME, ["ascii"]), raw_text(at.ds, CODE_VALUE, ["ascii"]))
        if known is None or len(known) > LONGEST_MEANING or at.place.names_somebody(known):
            self._by_type(at.because("meaning outside the word list", "D"))
        elif at.text != known:
            self.note(at.because("meaning of the standard"), Action.CLEAN_TEXT)
            at.put(known.encode("ascii", "replace"))


def _belongs_to(tag: int, text: str) -> bool:
    """Whether a text consists of words that are listed for this attribute alone."""
    return tag == ETHNIC_GROUP and all(token in ANCESTRY for token in tokens_of(text))
