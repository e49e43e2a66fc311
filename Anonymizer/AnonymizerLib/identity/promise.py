"""What a result may be called: anonymous or only pseudonymous (GDPR recital 26: who could still re-identify?)."""

from __future__ import annotations

from dataclasses import dataclass

from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.profile.options import Option, Profile


@dataclass(frozen=True)
class Promise:
    """The word to show, and the reasons for it."""

    is_pseudonymous: bool
    reasons: tuple[str, ...]

    @property
    def word(self) -> str:
        """'pseudonymous' or 'anonymous as far as its attributes go'."""
        return "pseudonymous" if self.is_pseudonymous else "anonymous as far as its attributes go"

    @property
    def sentence(self) -> str:
        """One sentence for the panel and the report."""
        return f"The result is {self.word}: {' '.join(self.reasons)}"


def promise_of(profile: Profile, key: ProjectKey, has_patient_table: bool = False) -> Promise:
    """Judge a run by its key and options; a kept identity always means pseudonymous."""
    reasons = []
    if key.is_stored:
        reasons.append("whoever holds the project key can recompute every pseudonym (destroy it to end that).")
    if has_patient_table:
        reasons.append("the patient table links people to pseudonyms.")
    if profile.has(Option.UIDS):
        reasons.append("the original UIDs are kept.")
    if profile.has(Option.FULL_DATES):
        reasons.append("the original dates are kept.")
    if profile.rules is not None and len(profile.rules):
        reasons.append("own rules may keep identifying values.")
    if not reasons:
        return Promise(False, ("its key was thrown away after the run, and no original date or UID is kept.",))
    return Promise(True, tuple(reasons))
