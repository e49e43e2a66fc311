"""The report names every finding, needs no other file, runs nothing, and shows no path or person."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fixtures.html_pages import ATTACK, Page, check_page, hostile
from LungNoduleAILib.cases.cohort.findings_csv import COLUMNS, write_findings_csv
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.findings import Finding, Findings, Lungs, QualityNote, Removed
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.report.analysis_report import write_report
from LungNoduleAILib.synthesis import make_small_chest
from ThoraxAILib.image.mask import Mask

RUN = {
    "schema": "thoraxai.run/1",
    "inputs": [{"name": "Case <7>", "sha256": "ab12" * 16}],
    "software": {"thoraxai": "9.8.7", "python": "3.11", "libraries": {"numpy": "2.0"}},
    "models": [{"role": "detector", "name": "classical", "fingerprint": "feed" * 8}],
    "options": {"detector": "classical", "threshold": None},
    "device": {"name": "cpu", "reason": "asked"},
    "stages": [{"name": "lungs", "seconds": 4.2, "peak_mb": 900}],
    "warnings": ["One slice was missing."],
    "finished": "2024-01-01T00:00:00",
}


@pytest.fixture(scope="module")
def result() -> AnalysisResult:
    """A synthetic chest whose findings are its planted nodules."""
    phantom = make_small_chest(seed=2, spacing_mm=(2.5, 2.5, 3.0))
    findings = []
    for nodule in phantom.nodules:
        start = np.rint(phantom.volume.kji_from_ras(np.array(nodule.center_ras_mm))).astype(int) - 2
        long_mm, short_mm = nodule.axial_axes_mm()
        findings.append(
            Finding(
                nodule.id,
                nodule.center_ras_mm,
                round((long_mm + short_mm) / 2, 1),
                long_mm,
                short_mm,
                nodule.volume_mm3,
                nodule.type,
                nodule.mean_hu,
                100.0,
                nodule.lobe,
                nodule.side,
                0.87,
                mask=Mask(tuple(int(s) for s in start), np.ones((5, 5, 5), dtype=bool)),
            )
        )
    findings[0] = findings[0].with_status("rejected", "scar & <script>alert(1)</script>")
    quality = (QualityNote("thick_slices", "Slices of 3 mm are thick.", "warning"),)
    removed = tuple(Removed((1.0, 2.0, 3.0 + n), 5.0, n / 100, f"vessel {n}") for n in range(70))
    everything = Findings(
        "1.2.3.4", Lungs(phantom.left_lung_ml, phantom.right_lung_ml, quality), tuple(findings), removed
    )
    volume = replace(phantom.volume, notes=("Slices were sorted by position.",))
    return AnalysisResult(volume, phantom.labels, everything, methods={"anatomy": "classical segmenter"})


@pytest.fixture(scope="module")
def html(result: AnalysisResult, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report as text."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, result, RUN)
    return path.read_text(encoding="utf-8")


def test_every_finding_is_in_the_table_and_has_four_pictures(html: str, result: AnalysisResult):
    for finding in result.findings.findings:
        assert f"<td>{finding.id}</td>" in html
        card = html.split(f"<h3>{finding.id}:")[1].split("</article>")[0]
        assert card.count("<img") == 4


def test_it_is_whole_html_without_scripts_or_links(html: str):
    check_page(html)


def test_no_text_of_the_result_the_run_or_the_person_becomes_a_tag(result: AnalysisResult, tmp_path: Path):
    attacked = hostile(result.findings)
    typed = tuple(replace(finding, type="solid") for finding in attacked.findings)  # guidelines know types alone
    everything = replace(
        result,
        findings=replace(attacked, findings=typed),
        volume=replace(result.volume, identity=hostile(result.volume.identity), notes=hostile(result.volume.notes)),
        methods=hostile(result.methods),
    )
    write_report(tmp_path / "report.html", everything, hostile(RUN), PersonAndExam(exam="baseline", age=61))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    words = check_page(text).text
    first = result.findings.findings[0].id
    for said in ("Case <7>", first, "thick", "vessel 69", "sorted by position.", "classical segmenter", "lungs"):
        assert re.search(re.escape(said) + r"[^<]*" + re.escape(ATTACK), words), said


def test_what_people_wrote_is_escaped(html: str):
    assert "<script>" not in html
    assert "scar &amp; &lt;script&gt;" in html
    assert "Case &lt;7&gt;" in html


def test_it_says_what_it_is_and_what_was_done(html: str):
    words = Page(html).text
    for expected in (
        "Research use only",
        "not a medical device",
        "ThoraxAI 9.8.7",
        "Detector: classical",
        "threshold = default",
        "Computed on cpu",
        "ab12ab12ab12ab12",
        "Slices were sorted by position.",
        "Slices of 3 mm are thick.",
        "One slice was missing.",
        "classical segmenter",
    ):
        assert expected in words


def test_it_shows_the_removed_candidates_of_most_confidence_first(html: str):
    assert html.index("vessel 69") < html.index("vessel 10")
    assert "vessel 9<" not in html
    assert "10 more of less confidence" in html


def test_it_names_no_series_and_no_path(html: str, tmp_path: Path):
    assert "1.2.3.4" not in html
    assert str(tmp_path.parent) not in html


def test_it_stays_small(html: str):
    assert len(html) < 6_000_000


def test_an_empty_result_without_a_run_record_still_gives_a_report(result: AnalysisResult, tmp_path: Path):
    empty = replace(result, labels=np.zeros_like(result.labels), findings=Findings("", Lungs(0.0, 0.0)))
    write_report(tmp_path / "report.html", empty, None)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No finding at this threshold" in text
    assert "unnamed case" in text


def test_the_table_of_findings_opens_as_csv(result: AnalysisResult, tmp_path: Path):
    odd = result.findings.findings[1].with_status("accepted", "=1+1")
    write_findings_csv(tmp_path / "findings.csv", replace(result.findings, findings=(result.findings.findings[0], odd)))
    with (tmp_path / "findings.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["reason"] == "scar & <script>alert(1)</script>"
    assert rows[1]["reason"] == "'=1+1"
    assert float(rows[1]["r_mm"]) == pytest.approx(odd.center_ras_mm[0], abs=1e-3)
    assert rows[1]["solid_volume_mm3"] == ""
