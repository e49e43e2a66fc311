"""Cases of one's own: a folder of ACDC patients with readers' labels, in an order that tells nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from CardiacBiomechLib.cine.acdc import AcdcPatient, is_patient, patients_below, read_patient
from CardiacBiomechLib.diagnosis.features.from_labels import label_features
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.practice.reading import Reading, Truth
from CardiacBiomechLib.practice.reasons import true_reasons
from CardiacBiomechLib.synthesis.groups import GROUPS
from ThoraxAILib.errors import InputError

OWN = "own"  # stands where synthetic cases name their difficulty
ORDER_SEED = 92


@dataclass(frozen=True, eq=False)
class OwnCase:
    """A patient whose two labeled frames may have been swapped (``backwards``) where the cine has no other."""

    patient: AcdcPatient
    name: str
    backwards: bool

    @property
    def person(self) -> Person:
        """Height and weight as the folder tells them."""
        return Person(self.patient.height_cm, self.patient.weight_kg)

    def cine(self) -> Cine:
        """Return the images without a word of where they come from."""
        cine = self.patient.cine
        frames = cine.frames[::-1] if self.backwards else cine.frames
        return replace(cine, frames=frames, notes=(), source="")

    def truth(self) -> Truth:
        """Return the readers' frames, the ejection fraction of their labels, and the group."""
        patient, count = self.patient, len(self.patient.cine.frames)
        features = label_features(patient.labels[patient.ed], patient.labels[patient.es], ACDC, self.person.surface_m2)
        ed, es = (count - 1 - at if self.backwards else at for at in (patient.ed, patient.es))
        group = patient.group if patient.group in GROUPS else ""
        reading = Reading(ed + 1, es + 1, round(features["lv_ef_percent"], 1), group)
        why = true_reasons(group, features) if group else ()
        return Truth(reading, count, patient.cine.whole_cycle, self.name, why, features)


def own_case(folder: Path, number: int) -> OwnCase:
    """Return case ``number`` (from 1) of a folder of patients; raises InputError for none, and after the last one."""
    patients = [folder] if is_patient(folder) else patients_below(folder) if folder.is_dir() else []
    if not patients:
        raise InputError(f"'{folder.name}' holds no ACDC patients (folders with Info.cfg): choose another folder.")
    if not 1 <= number <= len(patients):
        raise InputError(f"There is no case {number}: the folder holds {len(patients)}, all of them were read.")
    order = np.random.default_rng([ORDER_SEED, len(patients)]).permutation(len(patients))
    chosen = patients[int(order[number - 1])]
    patient = read_patient(chosen)
    if patient.ed not in patient.labels or patient.es not in patient.labels:
        raise InputError(f"Case {number} has no readers' labels of both frames: take its folder out.")
    swapped = bool(np.random.default_rng([ORDER_SEED, number]).integers(2)) and len(patient.cine.frames) == 2
    return OwnCase(patient, chosen.name, swapped)
