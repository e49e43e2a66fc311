"""What the software reads off a practice case, from the same images as the trainee, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from CardiacBiomechLib.cases.diagnosis_files import chosen_model
from CardiacBiomechLib.cases.study_case import choose_engines
from CardiacBiomechLib.cases.study_diagnosis import diagnosis_section
from CardiacBiomechLib.cases.study_requests import EnginesOfStudy
from CardiacBiomechLib.practice.cases import PracticeCase
from CardiacBiomechLib.report.study_summary import diagnosis_sentences
from ThoraxAILib.errors import Cancelled, ThoraxAIError
from ThoraxAILib.jobs.progress import Progress


def software_reading(case: PracticeCase, model: Path | None, progress: Progress) -> dict[str, Any]:
    """Return frames, ejection fraction, diagnosis and its reasons, or under ``failed`` why there are none.

    Raises InputError for a model that cannot be used, Cancelled.
    """
    from CardiacBiomechLib.analysis.study import analyze_study
    from CardiacBiomechLib.analysis.study_options import StudyOptions

    diagnosis = chosen_model(model)
    options = StudyOptions(strain=False, long_axis=False)
    try:
        engines = choose_engines(EnginesOfStudy(), needs_segmenter=True)
        segmenter = None if engines.segmenter is None else engines.segmenter.made
        found = analyze_study(case.cine(), options, case.person, engines.motion.made, segmenter, progress=progress)
    except Cancelled:
        raise
    except ThoraxAIError as error:
        return {"failed": str(error)}
    study = found.study
    said = diagnosis_section(diagnosis, study, case.person)
    if "missing" in said:
        return {"failed": f"its diagnosis needs {', '.join(said['missing'])}, which this reading does not measure."}
    return {
        "ed_frame": study.ed_frame,
        "es_frame": study.es_frame,
        "ef_percent": round(study.lv.ef_percent, 1),
        "diagnosis": said["diagnosis"],
        "set_in_words": said["set_in_words"],
        "trained_on": said["model"]["trained_on"],
        "why": [said["set_in_words"], *diagnosis_sentences(said)],
    }
