"""A scene of unknown origin is judged before Slicer sees it: nothing is written elsewhere, nothing is taken along."""

from __future__ import annotations

import io
import stat
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ThoraxAILib.errors import InputError
from ThoraxAILib.scene.files.judging import require_safe_scene

SECRET = b"root:x:0:0:this file belongs to the computer\n"
NHDR = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 3 3 5\nencoding: raw\n"
VOLUME = (
    '<VolumeArchetypeStorage id="vtkMRMLVolumeArchetypeStorageNode1" name="s" {attribute}="{value}">'
    '</VolumeArchetypeStorage><Volume id="vtkMRMLScalarVolumeNode1" name="v" '
    'references="storage:vtkMRMLVolumeArchetypeStorageNode1;"></Volume>'
)


def mrml(content: str = "") -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<MRML version="Slicer4.4.0">{content}</MRML>'


def storage(value: str, attribute: str = "fileName") -> str:
    return mrml(VOLUME.format(attribute=attribute, value=value))


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A function that writes entries as a .mrb beside a secret file and gives (source, target, secret)."""
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "secret.nhdr").write_text(f"{NHDR}data file: secret\n")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    def write(*entries: tuple[str | zipfile.ZipInfo, str | bytes]) -> tuple[Path, Path]:
        with zipfile.ZipFile(tmp_path / "in.mrb", "w") as archive:
            for name, content in entries:
                archive.writestr(name, content)
        return tmp_path / "in.mrb", tmp_path / "out.mrb"

    return write


def refused(source: Path, target: Path) -> str:
    """The sentence; checks that the open scene is as it was and that no file is new."""
    import slicer

    from AnonymizerLib.scene.bundle import scrub_bundle

    marker = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "open before")
    before = {path: path.read_bytes() for path in source.parent.rglob("*") if path.is_file()}
    with pytest.raises(InputError) as told:
        scrub_bundle(source, target)
    assert {path: path.read_bytes() for path in source.parent.rglob("*") if path.is_file()} == before
    assert slicer.mrmlScene.IsNodePresent(marker)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("name", ["a/../../../VICTIM", "{folder}/VICTIM", "a\\..\\VICTIM", "C:/VICTIM"])
def test_entries_that_leave_the_folder_write_nothing(bundle, tmp_path, name):
    (tmp_path / "VICTIM").write_text("original")
    source, target = bundle(("a/a.mrml", mrml()), (name.replace("{folder}", str(tmp_path)), "overwritten"))
    assert "nothing was unpacked" in refused(source, target)


def test_an_entry_through_a_link_writes_nothing(bundle, tmp_path):
    (tmp_path / "TARGET").mkdir()
    link = zipfile.ZipInfo("a/ln")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    source, target = bundle(("a/a.mrml", mrml()), (link, str(tmp_path / "TARGET")), ("a/ln/LINKED", "x"))
    assert "is a link" in refused(source, target)


@pytest.mark.parametrize("attribute", ["fileName", "fileListMember0", "fileListMember17"])
@pytest.mark.parametrize(
    "value",
    [
        "{folder}/secret.nhdr",
        "../../../secret.nhdr",
        "..%2F..%2Fsecret.nhdr",
        "%2Fetc%2Fpasswd",
        "file://{folder}/secret.nhdr",
        "http://example.org/ct.nrrd",
        "C:\\secret.nhdr",
        "\\\\host\\secret.nhdr",
        "Data/../../../secret.nhdr",
        "~/secret.nhdr",
        ".",
        "&#x2F;etc/passwd",
    ],
)
def test_a_storage_node_names_only_files_of_the_bundle(bundle, tmp_path, attribute, value):
    value = value.replace("{folder}", str(tmp_path))
    assert "did not come with it" in refused(*bundle(("a/a.mrml", storage(value, attribute))))


def test_slicer_decodes_a_name_once_only(bundle, tmp_path):
    """A volume called '3: Lung' is stored as '3%3A Lung.nrrd', which a scene writes with %253A."""
    from AnonymizerLib.scene.bundle import scrub_bundle

    outside = str(tmp_path / "secret.nhdr").replace("/", "%252F")
    source, target = bundle(("a/a.mrml", storage(outside)))
    with pytest.raises(InputError, match="cannot be opened"):
        scrub_bundle(source, target)
    assert not target.exists()


@pytest.mark.parametrize("attribute", ["uri", "uriListMember0"])
@pytest.mark.parametrize("value", ["http://example.org/ct.nrrd", "file:///etc/passwd", "Data/ct.nrrd"])
def test_a_scene_fetches_nothing_from_an_address(bundle, attribute, value):
    assert "did not come with it" in refused(*bundle(("a/a.mrml", storage(value, attribute))))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ct.nhdr", NHDR + "data file: ../../secret\n"),
        ("ct.nrrd", NHDR + "data file: {folder}/secret\n"),
        ("ct.nhdr", NHDR + "data file: LIST\n{folder}/secret\n"),
        ("ct.mhd", "NDims = 3\nDimSize = 3 3 5\nElementType = MET_UCHAR\nElementDataFile = {folder}/secret\n"),
        ("ct.nii", NHDR + "data file: {folder}/secret\n"),
        ("ct.txt", NHDR + "data file: {folder}/secret\n"),
    ],
)
def test_a_header_in_the_bundle_brings_no_file_from_outside(bundle, tmp_path, name, content):
    content = content.replace("{folder}", str(tmp_path))
    source, target = bundle(("a/a.mrml", storage(f"Data/{name}")), (f"a/Data/{name}", content))
    assert "data lie in another file elsewhere" in refused(source, target)


@pytest.mark.parametrize("name", ["run.py", "parts.pvtp", "image.spr", "noending", "other.mrml", "a.exe"])
def test_files_of_kinds_that_scenes_do_not_hold_are_refused(bundle, name):
    source, target = bundle(("a/a.mrml", storage(f"Data/{name}")), (f"a/Data/{name}", "x"))
    assert "kind" in refused(source, target) or name.endswith(".mrml")


@pytest.mark.parametrize(
    "node",
    [
        '<IGTLConnector id="c" name="x" state="1"/>',
        '<PlusServer id="c"/>',
        '<PlusServerLauncher id="c"/>',
        '<a><RemoteIO id="c"/></a>',
    ],
)
def test_nodes_that_connect_to_other_programs_are_refused(bundle, node):
    assert "connects to other programs" in refused(*bundle(("a/a.mrml", mrml(node))))


def test_modules_that_run_by_themselves_are_refused(bundle):
    node = '<CommandLineModule id="c" module="x" autorun="{}"/>'
    assert "runs by itself" in refused(*bundle(("a/a.mrml", mrml(node.format("true")))))


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE MRML [<!ENTITY a SYSTEM "file:///etc/passwd">]><MRML>&a;</MRML>',
        '<!DOCTYPE MRML [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><MRML x="&b;"/>',
        '<!DOCTYPE MRML SYSTEM "http://example.org/x.dtd"><MRML/>',
        '<!DOCTYPE MRML SYSTEM "http://example.org/x.dtd"><MRML/>'.encode("utf-16"),
    ],
    ids=["file", "expansion", "external", "UTF-16"],
)
def test_a_document_type_is_refused(bundle, text):
    assert "DOCTYPE" in refused(*bundle(("a/a.mrml", text)))


@pytest.mark.parametrize(
    "text", ["", "<MRML>", "<html/>", "no XML", "<MRML>" + "<a>" * 5000], ids=["empty", "open", "other", "text", "deep"]
)
def test_what_is_no_scene_is_told(bundle, text):
    assert refused(*bundle(("a/a.mrml", text)))


@pytest.mark.parametrize("names", [[], ["a/a.mrml", "a/b.mrml"], ["a/b/c/a.mrml"], ["a/a.mrml", "b/b.mrml"]])
def test_a_bundle_holds_one_scene(bundle, names):
    assert "where a saved scene has one" in refused(*bundle(("a/x.txt", "x"), *((name, mrml()) for name in names)))


def sequence(*entries: tuple[str, str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return held.getvalue()


@pytest.mark.parametrize(
    "inner",
    [
        sequence(("s/s.mrml", mrml()), ("s/../../../../../VICTIM", "x")),
        sequence(("s/s.mrml", storage("/etc/passwd"))),
        sequence(
            ("s/s.mrml", mrml('<SequenceStorage fileName="Data/t.seq.mrb"/>')),
            ("s/Data/t.seq.mrb", sequence(("t/t.mrml", storage("/etc/passwd"))).decode("latin-1")),
        ),
        b"no archive",
    ],
    ids=["leaves", "names a file", "nested", "damaged"],
)
def test_a_sequence_in_the_bundle_is_judged_like_the_bundle(bundle, inner):
    scene = mrml('<SequenceStorage id="vtkMRMLSequenceStorageNode1" fileName="Data/s.seq.mrb"/>')
    assert "sequence" in refused(*bundle(("a/a.mrml", scene), ("a/Data/s.seq.mrb", inner)))


def test_a_sequence_is_packed_anew_from_what_was_judged(tmp_path):
    """Another program may find other entries in the same bytes: what is in front of a zip does not stay."""
    (tmp_path / "a.mrml").write_text(mrml('<SequenceStorage fileName="s.seq.mrb"/>'))
    hidden = b"PK\x03\x04 hidden entry of an older zip "
    (tmp_path / "s.seq.mrb").write_bytes(hidden + sequence(("s/s.mrml", mrml())))
    require_safe_scene(tmp_path / "a.mrml", "a.mrb", repack=False)
    assert hidden in (tmp_path / "s.seq.mrb").read_bytes()
    require_safe_scene(tmp_path / "a.mrml", "a.mrb", repack=True)
    assert hidden not in (tmp_path / "s.seq.mrb").read_bytes()
    assert zipfile.ZipFile(tmp_path / "s.seq.mrb").namelist() == ["s/s.mrml"]


def test_a_harmless_hand_made_bundle_opens_with_its_detached_data(bundle, slicer):
    from AnonymizerLib.scene.bundle import scrub_bundle

    source, target = bundle(
        ("a/a.mrml", storage("Data/the%20ct.nhdr")),
        ("a/Data/the ct.raw", bytes(range(45))),
        ("a/Data/the ct.nhdr", NHDR + "data file: the ct.raw\n"),
    )
    scrub_bundle(source, target)
    volume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    assert slicer.util.arrayFromVolume(volume).tobytes() == bytes(range(45))


@pytest.mark.parametrize("value", ["../secret.nhdr", "{folder}/secret.nhdr", "link.nhdr"])
def test_a_scene_description_opened_directly_keeps_to_its_folder(slicer, tmp_path, value):
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "secret.nhdr").write_text(f"{NHDR}data file: secret\n")
    (tmp_path / "scene").mkdir()
    (tmp_path / "scene" / "link.nhdr").symlink_to(tmp_path / "secret.nhdr")
    (tmp_path / "scene" / "a.mrml").write_text(storage(value.replace("{folder}", str(tmp_path))))
    with pytest.raises(InputError, match="did not come with it"):
        slicer.util.loadScene(str(tmp_path / "scene" / "a.mrml"))
    assert slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode") is None


def test_a_single_file_opened_by_slicer_util_keeps_to_its_folder(slicer, tmp_path):
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "ct.nhdr").write_text(f"{NHDR}data file: ../secret\n")
    with pytest.raises(InputError, match="does not lie beside it"):
        slicer.util.loadVolume(str(tmp_path / "case" / "ct.nhdr"))


def test_opening_a_bundle_by_slicer_util_is_judged_too(slicer, bundle):
    source, _target = bundle(("a/a.mrml", storage("/etc/passwd")))
    with pytest.raises(InputError, match="did not come with it"):
        slicer.util.loadScene(str(source))


@pytest.mark.parametrize("value", ["/etc/passwd", "../../../secret.vtp", "{folder}/secret.vtp", "more.vtm", "x.pvtp"])
def test_a_file_of_surfaces_names_only_surfaces_of_the_bundle(bundle, tmp_path, value):
    value = value.replace("{folder}", str(tmp_path))
    blocks = f'<VTKFile type="vtkMultiBlockDataSet"><X><DataSet index="0" file="{value}"/></X></VTKFile>'
    source, target = bundle(("a/a.mrml", storage("Data/s.seg.vtm")), ("a/Data/s.seg.vtm", blocks))
    assert "did not come with it" in refused(source, target)


def test_a_segmentation_of_surfaces_opens_again(slicer, tmp_path):
    import vtk

    from ThoraxAILib.scene.files.saving import write_scene

    ball = vtk.vtkSphereSource()
    ball.Update()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "surfaces")
    segment = slicer.vtkSegment()
    segment.SetName("ball")
    segment.AddRepresentation("Closed surface", ball.GetOutput())
    node.GetSegmentation().SetSourceRepresentationName("Closed surface")
    node.GetSegmentation().AddSegment(segment, "ball")
    write_scene(tmp_path / "scene.mrb")
    with zipfile.ZipFile(tmp_path / "scene.mrb") as archive:
        assert any(name.endswith(".vtm") for name in archive.namelist())
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    segmentation = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode").GetSegmentation()
    assert segmentation.GetNthSegment(0).GetRepresentation("Closed surface").GetNumberOfPoints() == 50


def test_transforms_and_sequences_of_a_saved_scene_open_again(slicer, tmp_path):
    from ThoraxAILib.scene.files.saving import write_scene

    scene = slicer.mrmlScene
    volume = slicer.util.addVolumeFromArray(
        np.arange(60, dtype=np.int16).reshape(3, 4, 5), name="3: Lung 1.0 / (B70f) 100%"
    )
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shift")
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    points.AddControlPoint(1.0, 2.0, 3.0)
    for name, node in (("volumes", volume), ("markups", points), ("transforms", transform)):
        scene.AddNewNodeByClass("vtkMRMLSequenceNode", name).SetDataNodeAtValue(node, "0")
    scene.AddNewNodeByClass("vtkMRMLGridTransformNode", "bend")
    kinds = ("vtkMRMLScalarVolumeNode", "vtkMRMLTransformNode", "vtkMRMLMarkupsFiducialNode", "vtkMRMLSequenceNode")
    before = {kind: scene.GetNumberOfNodesByClass(kind) for kind in kinds}
    write_scene(tmp_path / "scene.mrb")
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    assert {kind: scene.GetNumberOfNodesByClass(kind) for kind in kinds} == before
    sequence_node = scene.GetFirstNodeByName("markups")
    assert tuple(sequence_node.GetNthDataNode(0).GetNthControlPointPosition(0)) == (1.0, 2.0, 3.0)
    assert scene.GetURL() == str(tmp_path / "scene.mrml")


def test_identifiers_are_found_in_a_sequence_of_a_bundle(slicer, tmp_path):
    from AnonymizerLib.scene.bundle import leaks_in_bundle
    from AnonymizerLib.scene.identifiers import SceneIdentifiers

    identifiers = SceneIdentifiers()
    identifiers.remember("DICOM.PatientName", "Quillfeather^Ottoline")
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("s/s.mrml", "of Quillfeather, and much more of the same " * 9)
    with zipfile.ZipFile(tmp_path / "a.mrb", "w") as archive:
        archive.writestr("a/Data/s.seq.mrb", held.getvalue())
    assert leaks_in_bundle(tmp_path / "a.mrb", identifiers) == [".mrml"]


def test_a_bomb_in_a_bundle_is_refused(bundle, monkeypatch):
    from ThoraxAILib.archives import unpack
    from ThoraxAILib.archives.entries import UnpackLimits

    limits = UnpackLimits(ratio_from_bytes=1 << 20)
    monkeypatch.setattr("ThoraxAILib.scene.files.opening.unpacked", lambda path: unpack.unpacked(path, limits))
    zeros = zipfile.ZipInfo("a/Data/zeros.nrrd")
    zeros.compress_type = zipfile.ZIP_DEFLATED
    assert "times its size" in refused(*bundle(("a/a.mrml", mrml()), (zeros, bytes(4 << 20))))
