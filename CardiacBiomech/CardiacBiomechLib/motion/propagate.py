"""Labels of one frame carried to another: register, invert, warp, and say how good the field is.

The labeled frame is the fixed image of the registration, because only there the tissue is known: the wall is held
incompressible exactly where it is. The field is then inverted to pull the labels onto the other frame.
"""

from __future__ import annotations

from dataclasses import dataclass

from CardiacBiomechLib.model.heart_labels import HeartLabels, HeartTissue, heart_labels, keep_parts
from CardiacBiomechLib.model.label_fit import check_labels_on_image
from CardiacBiomechLib.motion.instance_engine import InstanceEngine
from CardiacBiomechLib.motion.presets import LABEL_PRESET, PRESETS
from CardiacBiomechLib.motion.protocol import MotionEngine
from CardiacBiomechLib.motion.region import Region
from CardiacBiomechLib.motion.volumes import ejections
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.field import CONVENTION, Field, invert, warp_labels
from ThoraxAILib.registration.inputs import check_image, check_same_grid
from ThoraxAILib.registration.quality import FieldQuality, assess

SCHEMA = "thoraxai.cardiac-propagation/1"


@dataclass(frozen=True, eq=False)
class Propagation:
    """Labels on the unlabeled frame, the motion both ways, and the report.

    ``motion`` has the labeled frame as fixed image (Lagrangian from there); ``field`` has the other one: warping the
    labeled frame with ``field`` gives the other.
    """

    labels: Volume
    motion: Field
    field: Field
    quality: FieldQuality
    ejections: dict[str, dict]
    parts: HeartLabels
    seconds: float

    def as_json(self) -> dict:
        """Return the report: quality of the motion, ejection from labels and from motion, label values, convention."""
        return {
            "schema": SCHEMA,
            "convention": CONVENTION,
            "labels": self.parts.parts(),
            "quality": self.quality.as_json(),
            "ejection": self.ejections,
            "seconds": round(self.seconds, 2),
        }


def check_inputs(labeled: Volume, labels: Volume, other: Volume, order: str = "auto") -> HeartLabels:
    """Return the parts of the label image; raises InputError with one sentence for anything that cannot be used."""
    check_image(labeled, "moving image")
    check_image(other, "fixed image")
    check_same_grid(labeled, "moving image", other, "fixed image")
    check_same_grid(labeled, "moving image", labels, "moving label image")
    return heart_labels(labels, order)


def propagate(
    labeled: Volume,
    labels: Volume,
    other: Volume,
    engine: MotionEngine | None = None,
    order: str = "auto",
    initial: Field | None = None,
    progress: Progress | None = None,
) -> Propagation:
    """Carry ``labels`` of the frame ``labeled`` to the frame ``other`` (all on one grid).

    Without ``engine``: instance optimization with the preset for labels. ``initial`` (labeled frame fixed, on the whole
    grid) is where the search starts. Raises InputError, Cancelled.
    """
    engine = InstanceEngine(PRESETS[LABEL_PRESET]) if engine is None else engine
    progress = progress or Progress()
    parts = check_inputs(labeled, labels, other, order)
    labels = keep_parts(labels, parts)
    check_labels_on_image(labeled, labels, parts)
    region = Region.around(labels)
    fixed, moving, marked = (region.cut(volume) for volume in (labeled, other, labels))
    start = None if initial is None else Field(initial.displacement_ras_mm[region.box], region.grid)
    found = engine.register(fixed, moving, HeartTissue(marked.array, parts), progress.part(0.0, 0.9), start)
    progress(0.9, "Carrying the labels")
    motion, field = found.field, invert(found.field)
    carried = region.put_back(warp_labels(marked, field).array, labels.with_array(labels.array * 0))
    quality = assess(motion, marked.array == parts.myocardium, backward=field, increments=list(found.increments))
    ejected = ejections(labels, carried, region.extend(motion), parts)
    progress(1.0, "Labels carried")
    return Propagation(carried, region.extend(motion), region.extend(field), quality, ejected, parts, found.seconds)
