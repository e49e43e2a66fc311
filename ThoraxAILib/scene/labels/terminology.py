"""What a segment is, in the codes of DICOM's master lists (PS3.16, SNOMED CT), as Slicer keeps it on a segment.

The string form is vtkSlicerTerminologiesModuleLogic's: context~category~type~modifier~context~region~modifier.
"""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CONTEXT = "Segmentation category and type - DICOM master list"
REGION_CONTEXT = "Anatomic codes - DICOM master list"


@dataclass(frozen=True)
class Code:
    """One coded concept; the empty code says nothing."""

    value: str = ""
    meaning: str = ""

    def __str__(self) -> str:
        return f"SCT^{self.value}^{self.meaning}" if self.value else "^^"


@dataclass(frozen=True)
class Term:
    """Category and type of a segment, with laterality, and the region it lies in when the type does not tell."""

    category: Code
    type: Code
    modifier: Code = Code()
    region: Code = Code()
    region_modifier: Code = Code()

    def __str__(self) -> str:
        return "~".join(
            (
                TYPE_CONTEXT,
                str(self.category),
                str(self.type),
                str(self.modifier),
                REGION_CONTEXT,
                str(self.region),
                str(self.region_modifier),
            )
        )


ANATOMICAL_STRUCTURE = Code("123037004", "Anatomical Structure")
TISSUE = Code("85756007", "Tissue")
MORPHOLOGICALLY_ALTERED = Code("49755003", "Morphologically Altered Structure")
RIGHT = Code("24028007", "Right")
LEFT = Code("7771000", "Left")
