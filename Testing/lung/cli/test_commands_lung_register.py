"""``thoraxai lung register`` from files to a folder: all of it or nothing, one sentence when it cannot be done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.formats import check_format
from fixtures.lung_pair_builder import Date, Motion, Scanner, patient, scanned

pytest.importorskip("torch")

from ThoraxAILib.cli.main import main
from ThoraxAILib.io.transform_files import write_labels

COARSE = Scanner((3.0, 3.0, 3.0), 2.0, 15.0)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pair")
    chest = patient(6, spacing_mm=3.0)
    dates: dict[str, Date] = {
        "prior": scanned(chest, Motion(), COARSE, 1),
        "current": scanned(chest, Motion((4.0, -3.0, 8.0), 8.0, 2.0), COARSE, 2),
    }
    for name, date in dates.items():
        write_labels(date.volume, folder / f"{name}.nrrd")
    return folder / "prior.nrrd", folder / "current.nrrd"


@pytest.mark.slow
def test_register_writes_volumes_transforms_views_and_a_report(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "out"
    status = main(
        [
            "lung",
            "register",
            str(files[0]),
            str(files[1]),
            "--output",
            str(output),
            "--anatomy",
            "classical",
            "--threads",
            "1",
        ]
    )
    assert status == 0, capsys.readouterr().err
    models = json.loads((output / "run.json").read_text(encoding="utf-8"))["models"]
    assert [(model["role"], model["name"], model["device"]) for model in models] == [("anatomy", "classical", "cpu")]
    names = {path.name for path in output.iterdir()}
    assert {
        "warped_prior.nrrd",
        "difference.nrrd",
        "prior_to_current.h5",
        "prior_to_current_affine.tfm",
        "blended.png",
        "checkerboard.png",
        "difference.png",
        "registration.json",
        "run.json",
    } <= names
    entry = json.loads((output / "registration.json").read_text(encoding="utf-8"))
    assert entry["schema"] == "thoraxai.lung-registration/1"
    check_format(entry, "registration")
    check_format(output / "run.json", "run")
    assert entry["same_person"]["plausible"]
    assert entry["quality"]["folded_cells_percent"] == 0
    assert "Similarity" in capsys.readouterr().out


def test_the_same_scan_twice_is_refused_and_leaves_nothing(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "out"
    assert main(["lung", "register", str(files[0]), str(files[0]), "--output", str(output)]) == 2
    assert capsys.readouterr().err.strip() == "The two scans are the same images: name two dates."
    assert not output.exists()
