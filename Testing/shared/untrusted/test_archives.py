"""Whatever an archive holds, nothing of it lands outside its own folder, and nothing is left after a refusal."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

from ThoraxAILib.archives.entries import DEFAULT_LIMITS, EntryRules, UnpackLimits
from ThoraxAILib.archives.pack import pack
from ThoraxAILib.archives.unpack import unpacked
from ThoraxAILib.errors import InputError, OutputError

SECRET = "QUILLFEATHER"
MIB = 1 << 20


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """The folder for temporary files: empty when nothing is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def archive_of(tmp_path):
    """A function that writes (name, content) pairs as a zip, a tar or a tar.gz and returns its path."""

    def write(kind: str, *entries: tuple[str, bytes]) -> Path:
        path = tmp_path / f"input.{kind}"
        if kind == "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in entries:
                    archive.writestr(name, content)
            return path
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as archive:
            for name, content in entries:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return path

    return write


def refusal(path: Path, temporary: Path, limits: UnpackLimits = DEFAULT_LIMITS) -> str:
    """The sentence of a refusal; checks that nothing is left and no name of an entry is told."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(InputError) as told, unpacked(path, limits):
        pass
    assert list(temporary.iterdir()) == []
    assert sorted(path.parent.rglob("*")) == before
    assert SECRET not in str(told.value).upper()
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_files_and_folders_come_out_as_they_went_in_and_go_afterwards(archive_of, temporary, kind):
    path = archive_of(kind, ("scene/scene.mrml", b"<MRML/>"), ("./scene/Data/CT 1.nrrd", bytes(range(256)) * 5000))
    with unpacked(path) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
        assert (folder / "scene/scene.mrml").read_bytes() == b"<MRML/>"
        assert (folder / "scene/Data/CT 1.nrrd").read_bytes() == bytes(range(256)) * 5000
    assert list(temporary.iterdir()) == []


def test_what_was_packed_is_unpacked_the_same(tmp_path, temporary):
    (tmp_path / "in" / "Data").mkdir(parents=True)
    (tmp_path / "in" / "a.mrml").write_text("<MRML/>")
    (tmp_path / "in" / "Data" / "b.nrrd").write_bytes(b"NRRD")
    pack(tmp_path / "in", tmp_path / "out.mrb")
    with unpacked(tmp_path / "out.mrb") as folder:
        found = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert found == {"a.mrml": b"<MRML/>", "Data/b.nrrd": b"NRRD"}


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"a/../../{SECRET}", "leaves the archive's own folder"),
        (f"../{SECRET}", "leaves"),
        ("a/..", "leaves"),
        (f"/{SECRET}", "absolute path"),
        (f"C:/{SECRET}", "absolute path"),
        (f"c:{SECRET}", "absolute path"),
        (f"..\\{SECRET}", "characters"),
        (f"\\\\host\\{SECRET}", "absolute path"),
        (f"a\\..\\..\\{SECRET}", "characters"),
        (f"{SECRET}:stream", "characters"),
        (f"{SECRET}\x1b[2J", "characters"),
        (f"{SECRET}\n", "characters"),
        (f"a/aux.{SECRET}", "not every computer"),
        (f"{SECRET}. ", "not every computer"),
        (f"a/{SECRET}./x", "not every"),
        ("a/" * 20 + SECRET, "too deep"),
        (SECRET * 30, "too long"),
        ("ab/" * 15 + "x" * 1000, "too long"),
    ],
    ids=repr,
)
def test_a_path_that_leaves_or_that_not_every_computer_can_store_is_refused(archive_of, temporary, kind, name, words):
    path = archive_of(kind, ("good", b"1"), (name, b"2"))
    assert words in (sentence := refusal(path, temporary))
    assert sentence.startswith("Entry 2 of 'input.")


def test_a_name_cut_by_a_nul_is_refused(archive_of, temporary):
    path = archive_of("zip", ("good.nrrdXevil", b"1"))
    path.write_bytes(path.read_bytes().replace(b"good.nrrdXevil", b"good.nrrd\0evil"))
    assert "characters" in refusal(path, temporary)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a/b", "a/b"),
        ("a/b", "A/B"),
        ("a/b", "a/./b"),
        ("a/b", "a//b"),
        ("a", "a/b"),
        ("a/b", "A"),
        ("a/x", "A/y"),
        ("a/\u00e4", "a/a\u0308"),
        ("stra\u00dfe", "STRASSE"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_that_some_computer_takes_for_one_are_refused(archive_of, temporary, kind, first, second):
    assert "same path" in refusal(archive_of(kind, (first, b"1"), (second, b"2")), temporary)


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_a_link_or_device_in_a_zip_is_refused(tmp_path, temporary, mode):
    info = zipfile.ZipInfo("a/link")
    info.create_system, info.external_attr = 3, (mode | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "input.zip", "w") as archive:
        archive.writestr(info, "/etc")
        archive.writestr("a/link/through", b"1")
    assert "is a link or a device" in refusal(tmp_path / "input.zip", temporary)


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.GNUTYPE_SPARSE,
        tarfile.CONTTYPE,
    ],
)
def test_a_link_device_or_sparse_file_in_a_tar_is_refused(tmp_path, temporary, kind):
    info = tarfile.TarInfo("link")
    info.type, info.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "input.tar", "w") as archive:
        archive.addfile(info)
        archive.addfile(tarfile.TarInfo("other"))
    if kind == tarfile.CONTTYPE:  # an old name of a plain file
        with unpacked(tmp_path / "input.tar") as folder:
            assert (folder / "link").is_file()
            assert not (folder / "link").is_symlink()
    else:
        refusal(tmp_path / "input.tar", temporary)


def test_an_encrypted_entry_is_refused(archive_of, temporary):
    path = archive_of("zip", ("a", b"1"))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "encrypted" in refusal(path, temporary)


def test_an_entry_packed_by_another_method_is_refused(tmp_path, temporary):
    with zipfile.ZipFile(tmp_path / "input.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", b"1" * 100)
    assert "another method" in refusal(tmp_path / "input.zip", temporary)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (UnpackLimits(entries=2), "more than 2 entries"),
        (UnpackLimits(total_bytes=2 * MIB), "GiB"),
        (UnpackLimits(entry_bytes=MIB // 2), "GiB"),
    ],
)
def test_more_or_larger_entries_than_the_bounds_are_refused(archive_of, temporary, kind, limits, words):
    path = archive_of(kind, *((f"{number}", bytes(MIB)) for number in range(3)))
    assert words in refusal(path, temporary, limits)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_bomb_is_refused_by_its_ratio_before_the_bound_of_size(archive_of, temporary, kind):
    limits = UnpackLimits(ratio=100, ratio_from_bytes=2 * MIB)
    assert "times its size" in refusal(archive_of(kind, ("zeros", bytes(4 * MIB))), temporary, limits)
    with unpacked(archive_of(kind, ("zeros", bytes(MIB))), limits) as folder:
        assert (folder / "zeros").stat().st_size == MIB


def test_an_entry_that_declares_less_than_it_holds_is_refused(archive_of, temporary):
    path = archive_of("zip", ("zeros", bytes(4 * MIB)))
    data = bytearray(path.read_bytes())
    for place in (22, data.index(b"PK\x01\x02") + 24):
        struct.pack_into("<I", data, place, 10)
    path.write_bytes(data)
    refusal(path, temporary)


def test_sizes_are_counted_as_written_too():
    rules = EntryRules("x.zip", 10, UnpackLimits(total_bytes=100))
    rules.accept("a", False, 1)
    rules.wrote(90, 90)
    with pytest.raises(InputError):
        rules.wrote(20, 20)


def test_a_tar_whose_long_name_claims_gigabytes_takes_no_memory(tmp_path, temporary):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    (tmp_path / "input.tar.gz").write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048)))
    assert "not a whole" in refusal(tmp_path / "input.tar.gz", temporary)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        b"PK\x03\x04" + bytes(100),
        b"\x1f\x8b" + bytes(20),
        gzip.compress(b"text", mtime=0),
        gzip.compress(bytes(5000), mtime=0)[:20],
    ],
    ids=["empty", "text", "zip without its end", "gzip of nothing", "gzip of a text", "cut gzip"],
)
def test_what_is_no_archive_is_told_in_one_sentence(tmp_path, temporary, content):
    (tmp_path / "input.zip").write_bytes(content)
    assert "not a whole zip or tar archive" in refusal(tmp_path / "input.zip", temporary)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_a_cut_archive_is_refused(archive_of, temporary, kind):
    path = archive_of(kind, ("a", bytes(range(256)) * 100), ("b", bytes(range(256)) * 100))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    refusal(path, temporary)


def test_a_folder_or_nothing_is_no_archive(tmp_path, temporary):
    with pytest.raises(InputError), unpacked(tmp_path):
        pass
    with pytest.raises(InputError), unpacked(tmp_path / "absent.zip"):
        pass


def test_a_full_disk_is_told_and_leaves_nothing(archive_of, temporary, monkeypatch):
    path = archive_of("zip", ("a", b"1"))

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ThoraxAILib.archives.unpack._write", full)
    with pytest.raises(OutputError, match="No space left"), unpacked(path):
        pass
    assert list(temporary.iterdir()) == []
