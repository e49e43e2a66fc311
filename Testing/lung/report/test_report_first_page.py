"""What the report says first, in which order, and that its pages hold together as HTML, PDF and text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from LungNoduleAILib.analysis.importance import by_suspicion, elongation, with_doubt
from LungNoduleAILib.guidelines.from_findings import NoduleBefore
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.findings import Finding, Findings, Lungs
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.report.analysis_pdf import write_pdf
from LungNoduleAILib.report.analysis_report import report_content
from LungNoduleAILib.report.impression import impression
from LungNoduleAILib.report.plain_text import report_text
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.report import Box, draw_boxes, render
from ThoraxAILib.report.drawing import draw_lines, draw_scale_bar
from ThoraxAILib.report.pdf import plain

BASELINE = PersonAndExam(exam="baseline")


def finding(name: str, mm: float, kind: str = "solid", confidence: float = 0.5, **more: object) -> Finding:
    center = more.pop("center", (0.0, 0.0, 0.0))
    return Finding(
        name, center, mm, 1.1 * mm, 0.9 * mm, 0.52 * mm**3, kind, 0.0, 0.0, "RLL", "right", confidence, **more
    )


@pytest.fixture
def volume() -> Volume:
    spacing = np.diag([1.0, 1.0, 3.0, 1.0])
    array = np.random.default_rng(1).normal(-800, 30, (40, 90, 90)).astype(np.int16)
    return Volume(array, spacing)


def result_of(volume: Volume, *findings: Finding) -> AnalysisResult:
    return AnalysisResult(
        volume, np.zeros(volume.array.shape, np.uint8), Findings("", Lungs(2000.0, 1900.0), findings), methods={}
    )


def test_the_tumor_comes_before_dots_of_more_confidence():
    dots = [finding("A", 4.1, confidence=1.0), finding("B", 5.6, confidence=0.99)]
    ordered = by_suspicion([*dots, finding("T", 20.9, confidence=0.4), finding("G", 29, "ground-glass")])
    assert [one.id for one in ordered] == ["T", "G", "B", "A"]


def test_growth_and_what_the_reader_states_come_before_size():
    nodules = [finding("big", 9), finding("grown", 8), finding("star", 7, margin="spiculated")]
    assert [one.id for one in by_suspicion(nodules)] == ["star", "big", "grown"]
    before = {
        "grown": NoduleBefore(mean_diameter_mm=5.0, days=200),
        "big": NoduleBefore(mean_diameter_mm=9.0, days=200),
    }
    assert [one.id for one in by_suspicion(nodules, before)] == ["star", "grown", "big"]


def test_doubtful_marks_come_last_and_rejected_ones_after_them():
    nodules = [finding("no", 20).with_status("rejected", "vessel"), finding("dot", 12, doubt="x"), finding("N", 4)]
    assert [one.id for one in by_suspicion(nodules)] == ["N", "dot", "no"]
    accepted = [nodules[1].with_status("accepted"), nodules[2]]
    assert [one.id for one in by_suspicion(accepted)] == ["dot", "N"]


def test_a_dot_in_one_thick_slice_and_a_tube_are_doubtful_and_a_ball_is_not(volume):
    dot = Mask((5, 5, 5), np.ones((1, 3, 3), bool))
    assert "one slice of 3 mm" in with_doubt(finding("A", 4, mask=dot), volume).doubt
    tube = Mask((5, 5, 5), np.ones((3, 4, 30), bool))
    assert "like a vessel" in with_doubt(finding("B", 8, mask=tube), volume).doubt
    ball = Mask((5, 5, 5), np.ones((3, 9, 9), bool))
    assert not with_doubt(finding("C", 9, mask=ball), volume).doubt
    assert "smaller than 3 mm" in with_doubt(finding("D", 2.4, mask=ball), volume).doubt


@pytest.mark.parametrize("ratio", [1.0, 2.0, 3.0])
def test_the_elongation_of_an_ellipsoid_is_the_ratio_of_its_axes(ratio):
    grid = np.stack(np.meshgrid(*[np.arange(-40, 41)] * 3, indexing="ij"), -1).reshape(-1, 3)
    inside = (grid[:, 0] / (12 * ratio)) ** 2 + (grid[:, 1] / 12) ** 2 + (grid[:, 2] / 12) ** 2 <= 1
    assert elongation(grid[inside].astype(float), np.ones(3)) == pytest.approx(ratio, rel=0.02)


def test_the_impression_names_the_tumor_its_category_and_the_readers_word():
    tumor = finding("N1", 20.9, margin="spiculated").with_status("accepted")
    told = impression([finding("N2", 4), tumor], (), BASELINE)
    assert told[0] == "2 nodules, 1 of them suspicious by size and type."
    assert told[1].startswith("N1: RLL, 20.9 mm solid, spiculated, accepted; Lung-RADS v2022: category 4X")
    assert told[-1].startswith("Exam: Lung-RADS v2022 category 4X: diagnostic work-up")


def test_without_a_stated_exam_the_impression_gives_no_category():
    told = " ".join(impression([finding("N1", 20)], (), PersonAndExam()))
    assert "No guideline category: the kind of exam is not stated." in told
    assert "4B" not in told


def test_an_empty_result_does_not_exclude_a_nodule():
    assert "does not exclude" in impression([], (), BASELINE)[0]


def test_text_and_tables_leave_doubtful_and_rejected_marks_to_their_own_section(volume):
    marks = (finding("N1", 9), finding("N2", 5, doubt="seen in one slice of 3 mm only"))
    result = result_of(volume, *marks, finding("N3", 8).with_status("rejected", "scar"))
    moved = replace(result, findings=replace(result.findings, findings=tuple(
        replace(one, center_ras_mm=(40.0, 40.0, 60.0)) for one in result.findings.findings)))  # fmt: skip
    content = report_content(moved, None, BASELINE)
    assert [row[0] for row in content.findings.rows] == ["N1"]
    assert [(row[0], row[-1]) for row in content.doubtful_rows.rows] == [
        ("N2", "seen in one slice of 3 mm only"),
        ("N3", "scar"),
    ]
    text = report_text(moved, "case", BASELINE)
    findings, rest = text.split("DOUBTFUL MARKS")
    assert "N1" in findings.split("FINDINGS")[1]
    assert "N2" in rest
    assert "scar" in rest.split("REJECTED")[1]
    assert text.isascii() or "\u2014" in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_the_pdf_is_whole_needs_no_network_and_survives_any_letters(volume, tmp_path: Path, monkeypatch):
    import socket

    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was used"))
    strange = finding("N1 \u6f22 \u03b1", 9, center=(40.0, 40.0, 60.0))
    content = report_content(result_of(volume, strange), {"inputs": [{"name": "\u0160 <b>"}]}, BASELINE)
    write_pdf(tmp_path / "report.pdf", content)
    data = (tmp_path / "report.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert data.count(b"/Subtype /Image") >= 7  # three planes of the chest and four views of the nodule
    assert plain("\u2264 5\u2009mm \u2013 \u00e9 \u6f22") == "<= 5 mm - \u00e9 ?"


def test_labels_of_crowded_boxes_never_cover_one_another(volume, monkeypatch):
    from PIL import ImageDraw

    written = []
    original = ImageDraw.ImageDraw.text

    def noted(self, xy, text, **more):
        written.append(self.textbbox(xy, text, font=more["font"]))
        return original(self, xy, text, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", noted)
    picture = render(volume, "axial", (45.0, 45.0, 60.0), pixel_mm=0.2)
    rng = np.random.default_rng(3)
    boxes = [
        Box(tuple(np.array([45, 45, 60.0]) + rng.uniform(-6, 6, 3)), (5.0,) * 3, f"Nodule_{n:02d}") for n in range(12)
    ]
    draw_boxes(picture, boxes)
    assert len(written) >= 8
    tall, wide = picture.pixels.shape[:2]
    for number, one in enumerate(written):
        assert min(one[:2]) >= 0
        assert one[2] <= wide
        assert one[3] <= tall
        for other in written[number + 1 :]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_calipers_and_scale_bar_have_their_length(volume):
    picture = render(volume, "axial", (45.0, 45.0, 60.0), pixel_mm=0.5)
    dark = picture.with_pixels(np.zeros_like(picture.pixels))
    ends = np.array([30.0, 45.0, 60.0]), np.array([60.0, 45.0, 60.0])
    drawn = draw_lines(dark, [ends], (255, 0, 0)).pixels
    columns = np.flatnonzero((drawn[..., 0] == 255).any(axis=0))
    assert columns.max() - columns.min() == pytest.approx(30 / 0.5, abs=2)
    bar = draw_scale_bar(dark, 10.0).pixels[-9, :, 0]
    assert int((bar == 240).sum()) == pytest.approx(10 / 0.5, abs=2)
