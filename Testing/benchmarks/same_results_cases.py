"""The fixed set: commands of the suite and what they are given. Names in braces are folders, filled in by the run.

``{out}`` is the folder of the case, ``{inputs}`` what is made once and reused, ``{data}`` the real data.
"""

from __future__ import annotations

from dataclasses import dataclass

from same_results_inputs import CINE_FRAMES, GUIDELINE_INPUTS

A0002 = "{data}/ct/Lung_Dx-A0002/Lung_Dx-A0002/04-25-2007-NA-ThoraxAThoraxRoutine Adult-34834"
A0002_B70F = f"{A0002}/2.000000-ThoraxRoutine  8.0.0  B70f-62919"
A0002_B40F = f"{A0002}/3.000000-ThoraxRoutine  8.0.0  B40f-10983"
PAIR = "{data}/ct/lung-pair-elastix/3DCT_lung_"
C3N_00247 = "{data}/ct/C3N-00247"
PHANTOM_1, PHANTOM_2 = "{inputs}/phantom-1/ct.nrrd", "{inputs}/phantom-2/ct.nrrd"
PHANTOM_1_MOVED = "{inputs}/phantom-1-moved/ct.nrrd"
PART_SOLID_NODULE_RAS_MM = "-27,-48,96"
LEARNED = ("--detector", "learned", "--anatomy", "learned", "--device", "cpu")
CLASSICAL = ("--detector", "classical", "--anatomy", "classical")
RESULT = ("--output", "{out}/result")
WAITING_FOR_A_PERSON = 3
SOME_WITHOUT_ANSWER = 2


@dataclass(frozen=True)
class Case:
    """One entry of the fixed set: commands run one after the other, the exit status of each, stored inputs needed."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    needs: tuple[str, ...] = ()
    exit_status: int = 0

    @property
    def real_data(self) -> tuple[str, ...]:
        """Paths below the folder of real data that the commands name."""
        words = [word for command in self.commands for word in command]
        return tuple(word.removeprefix("{data}/") for word in words if word.startswith("{data}/"))


def _analyze(name: str, ct: str, *needs: str) -> list[Case]:
    return [
        Case(f"{name}-{kind}", (("lung", "analyze", ct, *RESULT, *options),), needs)
        for kind, options in (("learned", LEARNED), ("classical", CLASSICAL))
    ]


def _follow_up(name: str, prior: str, current: str, *needs: str, days: int) -> Case:
    command = ("lung", "follow-up", prior, current, "--days", str(days), *RESULT, *LEARNED)
    return Case(name, (command,), needs)


def _anonymize(profile: str) -> Case:
    clean = ("anonymize", "{data}/dicom", "{out}/clean", "--profile", profile, "--key", "{inputs}/key.json", "--no-ocr")
    return Case(f"dicom-{profile}", (clean,), ("key.json",), WAITING_FOR_A_PERSON)


def _propagate(patient: str, fixed_frame: int, engine: str) -> Case:
    stem = f"{{data}}/cardiac/acdc_dev15/{patient}/{patient}_frame"
    return Case(
        f"acdc-{patient}-{engine}",
        (
            (
                "cardiac",
                "propagate",
                f"{stem}01.nii.gz",
                f"{stem}01_gt.nii.gz",
                f"{stem}{fixed_frame:02d}.nii.gz",
                "--output",
                "{out}/labels.nii.gz",
                "--field",
                "{out}/field.nrrd",
                "--report",
                "{out}/report.json",
                "--engine",
                engine,
                "--threads",
                "1",
            ),
        ),
    )


CASES = (
    Case("phantom-1", (("lung", "phantom", "--seed", "1", *RESULT),)),
    Case("phantom-2", (("lung", "phantom", "--seed", "2", *RESULT),)),
    *_analyze("phantom-1", PHANTOM_1, "phantom-1"),
    *_analyze("phantom-2", PHANTOM_2, "phantom-2"),
    *_analyze("c3n-00247", C3N_00247),
    *_analyze("a0002-b70f", A0002_B70F),
    *_analyze("a0002-b40f", A0002_B40F),
    _follow_up("follow-up-phantom", PHANTOM_1, PHANTOM_1_MOVED, "phantom-1", "phantom-1-moved", days=180),
    _follow_up("follow-up-pair", f"{PAIR}baseline.mha", f"{PAIR}followup.mha", days=365),
    _follow_up("follow-up-kernels", A0002_B70F, A0002_B40F, days=1),
    Case(
        "register-phantom",
        (("lung", "register", PHANTOM_1, PHANTOM_1_MOVED, *RESULT, "--anatomy", "classical", "--threads", "1"),),
        ("phantom-1", "phantom-1-moved"),
    ),
    Case(
        "segment-phantom",
        (("lung", "segment", PHANTOM_1, f"--at={PART_SOLID_NODULE_RAS_MM}", "--output", "{out}/nodule.nrrd"),),
        ("phantom-1",),
    ),
    Case("patterns-phantom", (("lung", "patterns", PHANTOM_1, *RESULT, "--device", "cpu"),), ("phantom-1",)),
    *(
        Case(
            f"guideline-{rule}",
            (
                ("lung", "guideline", rule, f"{{inputs}}/guideline-{rule}.json"),
                ("lung", "guideline", "--text", rule, f"{{inputs}}/guideline-{rule}.json"),
            ),
            (f"guideline-{rule}.json",),
            SOME_WITHOUT_ANSWER if rule == "lung-rads-2022" else 0,
        )
        for rule in GUIDELINE_INPUTS
    ),
    Case("series-a0002", (("lung", "series", "{data}/ct/Lung_Dx-A0002/Lung_Dx-A0002"),)),
    Case("detectors", (("lung", "detectors"),)),
    _anonymize("basic"),
    _anonymize("research"),
    _propagate("patient080", 10, "instance"),
    _propagate("patient054", 12, "instance"),
    _propagate("patient054", 12, "cascade"),
    Case("cine-phantom", (("cardiac", "phantom", "--frames", str(CINE_FRAMES), *RESULT),)),
    Case(
        "track-phantom",
        (
            (
                "cardiac",
                "track",
                "{inputs}/cine-phantom/cine.nii.gz",
                "{inputs}/cine-phantom/frame01_gt.nii.gz",
                "--fusion",
                "direct",
                *RESULT,
                "--threads",
                "1",
            ),
        ),
        ("cine-phantom",),
    ),
)
