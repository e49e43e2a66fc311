"""Random faults in the headers of a cine end in the right phase at every place and time, or in one sentence."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from CardiacBiomechLib.cine.read_cine import read_cine
from fixtures.cine_exam import SLICE_MM, STEP_MS, ExamWriter, picture, whole
from ThoraxAILib.errors import InputError

SLICES, PHASES = 4, 25
PLACES = st.sets(st.tuples(st.integers(0, SLICES - 1), st.integers(0, PHASES - 1)), max_size=6)
SPREADS = st.sampled_from(["", "series per image", "series per phase", "study per slice", "frame of reference"])
SHOWN = ((8, 14), (12, 12))  # pixels whose brightness tells slice and phase
LACKS = ("TriggerTime", "InstanceNumber", "ImageType", "SeriesNumber", "SliceThickness")


def faulty(dropped, lacking, zero, rounded, spread):
    """Return what changes an image of slice k and phase t, or drops it."""

    def change(item, k: int, t: int):
        if (k, t) in dropped:
            return None
        for name, places in lacking.items():
            if (k, t) in places and name in item:
                delattr(item, name)
        if (k, t) in zero and "TriggerTime" in item:
            item.TriggerTime = 0
        if (k, t) in rounded:
            item.PixelSpacing = [1.505, 1.505]
        if spread == "series per image":
            item.SeriesInstanceUID = f"1.2.{k + 1}.{t}"
        elif spread == "series per phase":
            item.SeriesInstanceUID = f"1.2.9.{t}"
        elif spread == "study per slice":
            item.StudyInstanceUID = f"1.2.{k + 1}"
        elif spread:
            item.FrameOfReferenceUID = f"1.2.{k + 1}.{t}"
        return item

    return change


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
@given(
    dropped=PLACES,
    lacking=st.dictionaries(st.sampled_from(LACKS), PLACES, max_size=2),
    zero=PLACES,
    rounded=PLACES,
    again=st.sets(st.tuples(st.integers(0, SLICES - 1), st.integers(0, PHASES - 1)), max_size=2),
    spread=SPREADS,
)
def test_a_fault_in_headers_ends_in_the_right_phases_or_one_sentence(dropped, lacking, zero, rounded, again, spread):
    with tempfile.TemporaryDirectory() as folder:
        writer = ExamWriter(Path(folder))
        writer.cine(whole(SLICES, PHASES), change=faulty(dropped, lacking, zero, rounded, spread))
        for k, t in again - dropped:
            writer.cine([[t] if k == at else [] for at in range(SLICES)], offset=3)
        try:
            cine = read_cine(Path(folder))
        except InputError as error:
            sentence = str(error)
            cine = None
    if cine is None:
        assert "\n" not in sentence
        return
    check(cine, told=" ".join(cine.notes))


def check(cine, told: str) -> None:
    """Every slice lies where it was and shows, at the time of every frame, that phase; what is near only is told."""
    first = cine.frames[0]
    for index in range(first.array.shape[0]):
        depth = first.ras_from_kji(np.array([index, 0, 0]))[2] / SLICE_MM
        k = round(float(depth))
        assert abs(depth - k) < 0.01
        if "filled by linear interpolation" in told:
            continue
        found = np.array([phase_at(frame, index, k) for frame in cine.frames])
        if cine.times_ms is None:
            assert (np.diff(found) >= 0).all()
            continue
        true = np.rint(np.array(cine.times_ms) / STEP_MS).astype(int)
        off = np.abs(found - true)
        filled = 1 if "lack their trigger time" in told else 0  # beside an image that is not there
        assert off.max() <= (2 if "nearest phase" in told else filled), (found, true)


def phase_at(frame, index: int, k: int) -> int:
    """Return the phase that a slice of a frame shows; ``index`` is its place in the stack, ``k`` that in the exam."""
    expected = np.array([picture(k, t / PHASES)[SHOWN].astype(float) for t in range(PHASES)])
    return int(np.abs(expected - frame.array[index][SHOWN]).sum(1).argmin())
