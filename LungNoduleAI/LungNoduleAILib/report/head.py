"""The head of the report: what was examined and how, in a few lines, and what limits the numbers."""

from __future__ import annotations

from dataclasses import dataclass

from LungNoduleAILib.model.result import AnalysisResult

THIN_SLICE_MM = 1.5  # Fleischner 2017: thin sections (<= 1.5 mm) for measuring nodules


@dataclass(frozen=True)
class Head:
    """Date and technique in words; empty where the images do not tell."""

    date: str
    technique: str
    limits: str

    @property
    def lines(self) -> tuple[str, ...]:
        """What there is to tell, each as a line with its title."""
        named = (("Date", self.date), ("Technique", self.technique), ("Limits", self.limits))
        return tuple(f"{title}: {text}" for title, text in named if text)


def head_content(result: AnalysisResult) -> Head:
    """Return the head of a result, as far as the images tell."""
    volume, identity = result.volume, result.volume.identity
    across, down, along = volume.array.shape[::-1]
    spacing = " x ".join(f"{mm:.2f}" for mm in volume.spacing_ijk_mm)
    parts = [f"{volume.modality} of {across} x {down} x {along} voxels of {spacing} mm"]
    parts += [] if identity.slice_thickness_mm is None else [f"slices {identity.slice_thickness_mm:g} mm thick"]
    parts += [f"kernel {identity.kernel}"] if identity.kernel else []
    parts += [f"contrast {identity.contrast}"] if identity.contrast else []
    parts += [identity.manufacturer] if identity.manufacturer else []
    thick = max(float(volume.spacing_ijk_mm.max()), identity.slice_thickness_mm or 0.0)
    limits = [f"slices of {thick:g} mm: small nodules may be missed"] if thick > THIN_SLICE_MM else []
    limits += [note.text.rstrip(".") for note in result.findings.lungs.quality if note.severity == "error"]
    limits += ["lobes approximate"] if result.lobes_approximate else []
    return Head(iso_date(identity.study_date), ", ".join(parts), "; ".join(limits))


def iso_date(date: str | None) -> str:
    """Return 20070425 as 2007-04-25."""
    text = str(date or "")
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdigit() else text
