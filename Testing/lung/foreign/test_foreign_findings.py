"""Findings of other programs: sizes that a report states, places of segments, and everything else named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import thoraxai
from fixtures.dicom_documents import lung_result, measured, write_ct, write_lung_documents
from LungNoduleAILib.analysis.foreign.result import with_foreign_findings
from LungNoduleAILib.dicom_results.write import write_dicom_results
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.io.dicom_objects.source_images import source_images

pytest.importorskip("highdicom")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AnalysisResult]:
    """SEG and SR of four findings, and the CT they belong to."""
    place = tmp_path_factory.mktemp("documents")
    return place, write_lung_documents(place)


def read(written: tuple[Path, AnalysisResult], *names: str) -> tuple[dict[str, Finding], tuple[str, ...]]:
    """Read files of the folder as another program's, onto a result without findings."""
    place, made = written
    result, found = with_foreign_findings(lung_result(made.volume, ()), [place / name for name in names])
    assert result.findings.findings == found.findings
    return {finding.id: finding for finding in found.findings}, found.kept


def test_a_report_with_its_segments_gives_the_stated_sizes_and_the_drawn_outline(written: tuple) -> None:
    found, kept = read(written, "measurements.sr.dcm", "nodules.seg.dcm")
    assert any("Solid part of a nodule" in line for line in kept)
    for finding in written[1].findings.findings:
        back = found[finding.id]
        assert back.volume_mm3 == pytest.approx(finding.volume_mm3, abs=0.01)
        assert back.mean_diameter_mm == pytest.approx(finding.mean_diameter_mm, abs=0.01)
        assert back.long_axis_mm == pytest.approx(finding.long_axis_mm, abs=0.01)
        assert back.mask is not None
        assert finding.mask is not None
        assert back.mask.offset_kji == finding.mask.offset_kji
        assert np.array_equal(back.mask.array, finding.mask.array)
        assert back.kind == finding.kind
    first = found["Nodule_01"]
    assert first.long_axis_ras_mm == pytest.approx(written[1].findings.findings[0].long_axis_ras_mm, abs=0.01)
    assert any("Attenuation of the nodule: Solid" in note for note in first.notes)
    assert len(found) == 4


def test_segments_alone_are_measured(written: tuple) -> None:
    found, kept = read(written, "nodules.seg.dcm", "anatomy.seg.dcm")
    assert {"Nodule_01", "Nodule_02", "Mass_01"} <= set(found)
    voxels = int(written[1].findings.findings[0].mask.array.sum())
    assert found["Nodule_01"].mask_volume_mm3 == pytest.approx(voxels * written[1].volume.voxel_mm3, abs=0.1)
    assert any("Right upper lobe" in line for line in kept)
    assert not any("upper lobe" in name for name in found)


def test_a_report_alone_gives_findings_where_its_axes_lie_and_names_the_others(written: tuple) -> None:
    found, kept = read(written, "measurements.sr.dcm")
    assert set(found) == {"Nodule_01"}
    axes = np.array(
        [written[1].findings.findings[0].long_axis_ras_mm, written[1].findings.findings[0].short_axis_ras_mm]
    )
    assert found["Nodule_01"].center_ras_mm == pytest.approx(axes.reshape(4, 3).mean(axis=0), abs=0.01)
    assert found["Nodule_01"].mask is None
    assert sum("no place in this CT" in line for line in kept) >= 3


def test_a_report_alone_gives_a_finding_where_a_point_says_it_lies(tmp_path: Path) -> None:
    volume = write_ct(tmp_path / "ct")
    made = lung_result(volume, tuple(replace(finding, mask=None) for finding in measured(volume)))
    write_dicom_results(tmp_path, made, source_images(tmp_path / "ct", volume))
    found, _kept = read((tmp_path, made), "measurements.sr.dcm")
    assert set(found) == {finding.id for finding in made.findings.findings}
    for finding in made.findings.findings[1:]:  # the first has axes too
        assert found[finding.id].center_ras_mm == pytest.approx(finding.center_ras_mm, abs=0.01)
        assert found[finding.id].mean_diameter_mm == pytest.approx(finding.mean_diameter_mm, abs=0.01)


def test_segments_outside_of_the_ct_are_no_findings_and_are_said(written: tuple) -> None:
    volume = written[1].volume
    shift = np.eye(4)
    shift[2, 3] = 900.0
    other = replace(volume, ijk_to_ras=shift @ volume.ijk_to_ras)
    empty = lung_result(other, ())
    result, found = with_foreign_findings(empty, [written[0] / "nodules.seg.dcm"])
    assert result.findings.findings == ()
    assert all("lie outside of the CT" in line for line in found.kept)
    assert len(found.kept) >= 4


def test_names_that_are_taken_are_not_given_twice(written: tuple) -> None:
    place, made = written
    result, found = with_foreign_findings(made, [place / "nodules.seg.dcm"])
    names = [finding.id for finding in result.findings.findings]
    assert len(names) == len(set(names))
    assert found.findings[0].id == "Nodule_01_2"


def test_another_file_is_refused_in_one_sentence(written: tuple, tmp_path: Path, refused) -> None:
    place, made = written
    with refused("another kind"):
        with_foreign_findings(made, [next((place / "ct").iterdir())])
    (tmp_path / "text.dcm").write_text("text")
    with pytest.raises(InputError, match="cannot be read"):
        with_foreign_findings(made, [tmp_path / "text.dcm"])


def test_a_report_of_another_program_comes_in_by_its_codes(shared_data, tmp_path: Path) -> None:
    report = shared_data("dicom/seg_sr/highdicom/data/test_files/sr_document_with_multiple_groups.dcm")
    volume = write_ct(tmp_path / "ct")
    result, found = with_foreign_findings(lung_result(volume, measured(volume)), [report])
    assert len(result.findings.findings) == 4
    assert any("LungNodule0001" in line and "no place" in line for line in found.kept)


def test_the_command_and_python_write_the_same_findings(written: tuple, tmp_path: Path, capsys) -> None:
    place, _ = written
    files = [str(place / name) for name in ("measurements.sr.dcm", "nodules.seg.dcm")]
    words = ["lung", "read-results", *files, "--ct", str(place / "ct"), "--output", str(tmp_path / "out")]
    assert main(words) == 0
    assert "Nodule_01" in capsys.readouterr().out
    told = json.loads((tmp_path / "out" / "findings.json").read_text())
    found = thoraxai.read_findings(files, place / "ct")
    assert [finding["id"] for finding in told["findings"]] == [finding.id for finding in found.findings]
    assert (tmp_path / "out" / "report.html").is_file()
    assert (tmp_path / "out" / "kept.txt").is_file()
