"""The name of every file that a case writes, in one place; a run owns exactly these in its folder.

The run record is the last of each list: a folder without it holds no complete result (see OutputFolder).
"""

from __future__ import annotations

from ThoraxAILib.jobs.run_record import RUN_FILE

FINDINGS_FILE, ARRAYS_FILE = "findings.json", "arrays.npz"
SCENE_FILE, REPORT_FILE, FINDINGS_CSV = "scene.mrb", "report.html", "findings.csv"
REPORT_PDF, REPORT_TEXT = "report.pdf", "report.txt"
SEGMENTATION_FILE, MARKUPS_FILE = "segmentation.seg.nrrd", "nodules.mrk.json"
PAIRS_FILE, PAIRS_CSV, LINKS_FILE = "pairs.json", "pairs.csv", "links.csv"
DIFFERENCE_FILE, WARPED_FILE = "difference.nrrd", "warped_prior.nrrd"
TRANSFORM_FILE, AFFINE_FILE = "prior_to_current.h5", "prior_to_current_affine.tfm"
REGISTRATION_FILE = "registration.json"
SHEETS_FILE = "sheets.npz"  # the pictures of what changed, for a report that is written again
VIEW_FILES = ("blended.png", "checkerboard.png", "difference.png", "change_1.png", "change_2.png", "change_3.png")
PATTERN_MAP_FILE, PATTERN_TABLE_FILE, PATTERN_PICTURE_FILE = "patterns.nrrd", "patterns.json", "patterns.png"
EXPLANATION_FILE, IMPORTANCE_FILE, EXPLANATION_PICTURE_FILE = "explanation.json", "importance.nrrd", "explanation.png"
IMPORTANCE_DICOM = "importance.pm.dcm"
INDEX_FILE = "index.csv"
LABEL_MAP_FILES = {"nrrd": "labels.nrrd", "nifti": "labels.nii.gz"}
LABEL_TABLE_FILE = "labels.csv"
DICOM_FILES = (
    "anatomy.seg.dcm",
    "structures.seg.dcm",
    "nodules.seg.dcm",
    "measurements.sr.dcm",
    "measurements_verified.sr.dcm",
    "key_images.ko.dcm",
    "outlines.pr.dcm",
    "key_images.sc.dcm",
)
FOLLOW_UP_DICOM_FILES = ("nodules_prior.seg.dcm", "nodules_current.seg.dcm", "growth.sr.dcm")
MAX_SCANS = 20

ANALYSIS_FILES = (
    SCENE_FILE,
    SEGMENTATION_FILE,
    MARKUPS_FILE,
    ARRAYS_FILE,
    *LABEL_MAP_FILES.values(),
    LABEL_TABLE_FILE,
    FINDINGS_FILE,
    FINDINGS_CSV,
    REPORT_FILE,
    REPORT_PDF,
    REPORT_TEXT,
    *DICOM_FILES,
    RUN_FILE,
)
FOLLOW_UP_FILES = (
    SCENE_FILE,
    PAIRS_FILE,
    PAIRS_CSV,
    LINKS_FILE,
    REPORT_FILE,
    REPORT_PDF,
    DIFFERENCE_FILE,
    WARPED_FILE,
    TRANSFORM_FILE,
    AFFINE_FILE,
    SHEETS_FILE,
    *FOLLOW_UP_DICOM_FILES,
    *(f"findings_{n}.json" for n in range(1, MAX_SCANS + 1)),
    *(f"arrays_{n}.npz" for n in range(1, MAX_SCANS + 1)),
    RUN_FILE,
)
EXPLANATION_FILES = (IMPORTANCE_FILE, IMPORTANCE_DICOM, EXPLANATION_PICTURE_FILE, EXPLANATION_FILE)
REGISTRATION_FILES = (
    WARPED_FILE,
    DIFFERENCE_FILE,
    TRANSFORM_FILE,
    AFFINE_FILE,
    *VIEW_FILES,
    REGISTRATION_FILE,
    RUN_FILE,
)
