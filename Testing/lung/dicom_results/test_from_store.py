"""A study in a real server is analyzed by its address, and the results lie beside it in the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from fixtures.dicom_series_builder import SeriesPlan, write_series
from LungNoduleAILib.cli.findings import analyze as lung
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.store.access import PASSWORD_VARIABLE
from ThoraxAILib.store.address import address_in, open_store
from ThoraxAILib.store.folder_store import FolderStore
from ThoraxAILib.store.instance import read_instance
from ThoraxAILib.store.results import send_compared
from ThoraxAILib.store.server.local_server import LocalServer
from ThoraxAILib.store.store import StoreError

STUDY = "1.2.826.0.1.3680043.10.77"
PLAN = SeriesPlan(count=6, study_uid=STUDY, series_uid=f"{STUDY}.1")

NODULE_FILES = ("nodules.seg.dcm", "measurements.sr.dcm")


def results_of(study: Path, output: Path) -> None:
    """Write what an analysis would write: objects of the same study under the names of results."""
    images = sorted(study.rglob("*.dcm"))
    assert len(images) == PLAN.count
    for number, name in enumerate(NODULE_FILES, start=1):
        ds = dcmread(images[0])
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{STUDY}.9.{number}"
        ds.SeriesInstanceUID, ds.Modality = f"{STUDY}.9", "SEG"
        output.mkdir(exist_ok=True)
        ds.save_as(output / name, enforce_file_format=True)


def test_a_study_is_fetched_analyzed_and_its_results_lie_beside_it(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(server.address, server.access())
    store.send([read_instance(path.read_bytes()) for path in write_series(tmp_path / "ct", PLAN)])
    seen: list[Path] = []

    def analyze(request, _engines, _arguments, _events) -> int:
        assert request.with_dicom
        seen.append(request.inputs[0])
        results_of(request.inputs[0], request.output)
        return 0

    monkeypatch.setattr(lung, "_analyze_inputs", analyze)
    monkeypatch.setenv(PASSWORD_VARIABLE, server.passwords["uploader"])
    words = ["lung", "analyze", f"{server.address}/studies/{STUDY}", "--output", str(tmp_path / "out")]
    words += ["--detector", "classical", "--anatomy", "classical", "--user", "uploader"]
    words += ["--ca", str(server.files.authority)]
    assert main(words) == 0
    assert "2 DICOM results" in capsys.readouterr().out
    assert store.instances(STUDY) >= {f"{STUDY}.9.1", f"{STUDY}.9.2"}
    for name in NODULE_FILES:
        sent = read_instance((tmp_path / "out" / name).read_bytes())
        (back,) = store.retrieve(STUDY, f"{STUDY}.9", sent.sop_uid)
        assert back.data == sent.data
    assert not seen[0].exists()
    assert main(words) == 0
    assert "2 were there" in capsys.readouterr().out


def test_results_of_another_study_are_not_sent(tmp_path: Path) -> None:
    (path, *_) = write_series(tmp_path / "ct", PLAN)
    with pytest.raises(InputError, match="another study"):
        send_compared(FolderStore(tmp_path / "store"), "1.2.3", [path])


def test_a_store_that_does_not_give_a_result_back_is_told(tmp_path: Path) -> None:
    class Forgetful(FolderStore):
        def send(self, files) -> dict[str, str]:
            return {}

    (path, *_) = write_series(tmp_path / "ct", PLAN)
    with pytest.raises(StoreError, match="does not give it back"):
        send_compared(Forgetful(tmp_path / "store"), STUDY, [path])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["dicomweb+https://localhost/x"], "names no study"),
        (["dicomweb+https://localhost/x/studies/1.2", "dicomweb+https://localhost/x/studies/1.3"], "one study"),
    ],
)
def test_an_address_without_a_study_or_several_are_refused(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engines = ["--detector", "classical", "--anatomy", "classical"]
    assert main(["lung", "analyze", *words, "--output", str(tmp_path / "out"), *engines]) == 2
    assert told in capsys.readouterr().err


def test_an_address_survives_being_taken_for_a_path() -> None:
    address = "dicomweb+https://localhost:8443/dicom-web/studies/1.2"
    assert address_in(Path(address)) == address
    assert address_in(Path("/data/study")) == ""
