"""The organs around the lungs as hidden segments with DICOM terminology: one click in the segment list shows them.

A published segmenter names its structures; otherwise there are the few kinds that this suite tells apart.
"""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.model.anatomy import AORTA, BODY, BONE, HEART, LUNG_VESSEL, SPINE, NamedStructures
from LungNoduleAILib.published.structure_terms import StructureTerm, structure_terms
from LungNoduleAILib.published.structures import LABEL_OF_NAME
from ThoraxAILib.scene.labels.layers import Layer, Segment
from ThoraxAILib.scene.labels.terminology import ANATOMICAL_STRUCTURE, TISSUE, Code, Term

LUNG = Code("39607008", "Lung")
SUFFIX = " (approximate)"
# value: (segment id, name, term, color)
ORGANS = {
    LUNG_VESSEL: (
        "LungVessels",
        "Lung vessels",
        Term(ANATOMICAL_STRUCTURE, Code("59820001", "Blood vessel"), Code(), LUNG),
        (0.85, 0.40, 0.31),
    ),
    HEART: ("Heart", "Heart" + SUFFIX, Term(ANATOMICAL_STRUCTURE, Code("80891009", "Heart")), (0.81, 0.26, 0.29)),
    AORTA: ("Aorta", "Aorta" + SUFFIX, Term(ANATOMICAL_STRUCTURE, Code("15825003", "Aorta")), (0.88, 0.38, 0.30)),
    SPINE: (
        "Spine",
        "Spine" + SUFFIX,
        Term(ANATOMICAL_STRUCTURE, Code("421060004", "Vertebral column")),
        (0.89, 0.85, 0.60),
    ),
    BONE: ("Bones", "Ribs and other bones", Term(ANATOMICAL_STRUCTURE, Code("272673000", "Bone")), (0.95, 0.84, 0.57)),
    BODY: ("SoftTissue", "Other tissue", Term(TISSUE, Code("87784001", "Soft tissue")), (0.69, 0.48, 0.40)),
}


def organ_layer(structures: np.ndarray) -> Layer:
    """Return the layer of Anatomy.structures; lungs, lobes and airways in it are segments of other layers already."""
    return Layer(
        structures,
        {
            value: Segment(name, text, term, color, fill_opacity=0.2, opacity_3d=0.0, visible=False)
            for value, (name, text, term, color) in ORGANS.items()
        },
    )


def named_layer(named: NamedStructures) -> Layer:
    """Return the layer of every structure that a published segmenter named and found.

    Lobes and trachea are segments of other layers already; a name without a term is left out.
    """
    terms = structure_terms()
    there = np.unique(named.labels)
    return Layer(
        named.labels,
        {
            int(value): _named_segment(terms[named.names[value]])
            for value in there
            if named.names[value] in terms and named.names[value] not in LABEL_OF_NAME
        },
    )


def _named_segment(term: StructureTerm) -> Segment:
    coded = [Code(*pair) for pair in (term.category, term.type, term.modifier, term.region, term.region_modifier)]
    return Segment(term.name, term.words, Term(*coded), term.color, fill_opacity=0.2, opacity_3d=0.0, visible=False)
