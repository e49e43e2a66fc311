"""No header carries another file into an image: data files lie beside their header, for every reader of the suite."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacBiomechLib.cine.read_cine import read_cine
from ThoraxAILib.errors import InputError
from ThoraxAILib.io import find_series, read_volume
from ThoraxAILib.io.label_map import read_label_map
from ThoraxAILib.io.transform_files import read_field
from ThoraxAILib.untrusted.detached_data import require_data_beside
from ThoraxAILib.untrusted.hdf5_references import is_hdf5, require_own_data

SIZE = 12
NRRD = (
    "NRRD0004\ntype: int16\ndimension: 3\nsizes: 12 12 12\nendian: little\nencoding: raw\n"
    "space: left-posterior-superior\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n"
)
META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nElementSpacing = 1 1 1\n"
    "DimSize = 12 12 12\nElementType = MET_SHORT\n"
)
READERS: dict[str, Callable[[Path], object]] = {
    "CT": read_volume,
    "series": find_series,
    "label map": read_label_map,
    "cine": read_cine,
    "rule": require_data_beside,
}
OUTSIDE = [
    "../secret.raw",
    "{folder}/secret.raw",
    "sub/../../secret.raw",
    "sub/secret.raw",
    "..\\secret.raw",
    "C:secret.raw",
    "link.raw",
    "-",
    ".",
    "pipe.raw",
    "loop.raw",
]


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with voxels beside and above it, a link that leaves it, one in a circle, and a pipe."""
    import os

    inner = tmp_path / "inner"
    (inner / "sub").mkdir(parents=True)
    voxels = np.arange(SIZE**3, dtype="<i2").tobytes()
    for path in (tmp_path / "secret.raw", inner / "sub" / "secret.raw", inner / "own.raw"):
        path.write_bytes(voxels)
    for number in range(1, 13):
        (inner / f"s{number:03d}.raw").write_bytes(voxels[(number - 1) * 288 : number * 288])
    (inner / "link.raw").symlink_to(tmp_path / "secret.raw")
    (inner / "loop.raw").symlink_to("loop.raw")
    os.mkfifo(inner / "pipe.raw")
    return inner


def headers(name: str) -> list[tuple[str, str]]:
    """Every way in which a header names ``name``, with the ending of the header."""
    listed = "\n".join([name, *[f"s{n:03d}.raw" for n in range(2, 13)]]) + "\n"
    return [
        (".nhdr", f"{NRRD}data file: {name}\n"),
        (".nhdr", f"{NRRD}DataFile: {name}\n"),
        (".nhdr", f"{NRRD}data file: {name}\n".replace("\n", "\r\n")),
        (".nrrd", f"{NRRD}data file: {name}\n"),
        (".nhdr", f"{NRRD}data file: LIST\n{listed}"),
        (".nhdr", f"{NRRD}data file: LIST 2\n{listed}"),
        (".nhdr", f"{NRRD}DATA FILE:{name}\n\n"),
        (".nhdr", f"{NRRD}# note\r\ndata file: {name}\n"),
        (".mhd", f"{META}ElementDataFile = {name}\n"),
        (".mha", f"{META}ElementDataFile = {name}\n"),
        (".mhd", f"{META}  ElementDataFile: {name}"),
        (".mhd", f"{META}ElementDataFile = LIST\n{listed}"),
        (".mhd", f"Comment = ElementDataFile = LOCAL\n{META}ElementDataFile = {name}\n"),
        (".mhd", f"{META}ElementDataFile = LIST 2\n{listed}"),
    ]


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("number", range(len(headers(""))))
@pytest.mark.parametrize("name", ["../secret.raw", "{folder}/secret.raw"])
def test_every_reader_refuses_a_header_whose_data_lie_elsewhere(folder, reader, number, name):
    ending, text = headers(name.replace("{folder}", str(folder.parent)))[number]
    (folder / f"ct{ending}").write_bytes(text.encode())
    with pytest.raises(InputError, match="does not lie beside it") as told:
        reader(folder / f"ct{ending}")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("number", range(len(headers(""))))
def test_no_form_of_name_leads_out_of_the_folder(folder, number, name):
    ending, text = headers(name.replace("{folder}", str(folder.parent)))[number]
    (folder / f"ct{ending}").write_bytes(text.encode())
    with pytest.raises(InputError, match="does not lie beside it"):
        require_data_beside(folder / f"ct{ending}")


@pytest.mark.parametrize(
    ("ending", "line"),
    [
        (".nhdr", NRRD + "data file: ../s%03d.raw 1 12 1\n"),
        (".nhdr", NRRD + "data file: /etc/s%03d.raw 1 12 1 2\n"),
        (".mhd", META + "ElementDataFile = ../s%03d.raw 1 12 1\n"),
        (".mhd", META + "ElementDataFile = /s%d.raw 1 12\n"),
    ],
)
def test_a_pattern_of_names_stays_in_the_folder_too(folder, ending, line):
    (folder / f"ct{ending}").write_text(line)
    with pytest.raises(InputError, match="does not lie beside it"):
        read_volume(folder / f"ct{ending}")


@pytest.mark.parametrize(
    ("ending", "line"),
    [
        (".nhdr", NRRD + "data file: own.raw\n"),
        (".nhdr", NRRD + "data file: s%03d.raw 1 12 1\n"),
        (".nhdr", NRRD + "data file: LIST\n" + "".join(f"s{n:03d}.raw\n" for n in range(1, 13))),
        (".nhdr", NRRD + "note:=data file: /etc/passwd\ndata file: own.raw\n"),
        (".mhd", META + "ElementDataFile = own.raw\n"),
        (".mhd", META + "ElementDataFile = s%03d.raw 1 12 1\n"),
        (".mhd", META + "ElementDataFile = LIST\n" + "".join(f"s{n:03d}.raw\n" for n in range(1, 13))),
        (".mhd", "Comment = ElementDataFile = /etc/passwd\n" + META + "ElementDataFile = own.raw\n"),
    ],
)
def test_data_files_beside_their_header_are_read(folder, ending, line):
    (folder / f"ct{ending}").write_text(line)
    image = read_label_map(folder / f"ct{ending}")
    assert (image.array.ravel() == np.arange(SIZE**3)).all()


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".nii", ".nii.gz"])
def test_an_image_that_is_a_link_itself_is_read(tmp_path, ending):
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((4, 5, 6), np.uint8)), str(tmp_path / f"store{ending}"))
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / f"ct{ending}").symlink_to(tmp_path / f"store{ending}")
    assert read_label_map(tmp_path / "case" / f"ct{ending}").array.sum() == 120


def test_voxels_of_a_nifti_pair_behind_a_link_are_refused(folder):
    (folder / "ct.img").symlink_to(folder.parent / "secret.raw")
    (folder / "ct.nii").write_bytes(b"\x5c\x01\x00\x00" + bytes(340) + b"ni1\x00")
    with pytest.raises(InputError, match="does not lie beside it"):
        read_volume(folder / "ct.nii")


def test_a_line_without_a_key_hides_no_data_file(folder):
    (folder / "ct.mhd").write_text(f"{META}nothing\nElementDataFile = ../secret.raw\n")
    with pytest.raises(InputError, match="cannot be read as MetaImage"):
        read_volume(folder / "ct.mhd")


@pytest.mark.parametrize("ending", [".nhdr", ".mhd"])
def test_a_header_without_end_is_refused_without_reading_it_all(folder, ending):
    with (folder / f"ct{ending}").open("wb") as file:
        file.write(b"NRRD0004\n" if ending == ".nhdr" else b"")
        file.write(b"Comment = x\n" * 400_000)
    with pytest.raises(InputError, match="has a header of more than 4 MiB"):
        require_data_beside(folder / f"ct{ending}")


def test_an_image_is_read_by_the_reader_of_its_ending_only(folder):
    """A NRRD header under the name of a NIfTI file would have been read as NRRD."""
    (folder / "ct.nii").write_text(f"{NRRD}data file: own.raw\n")
    with pytest.raises(InputError, match="cannot be read as NIfTI"):
        read_volume(folder / "ct.nii")


def unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b85decode(text))


# One data set of two float64, written by h5py 3.16: with HDF5's oldest and with its 1.8 structures
OWN = {
    "oldest": (
        "c-rgqaB<`1lHy_j0S*oZ76t(ZWbhvf1UOLnF!=;1%?PDCp!5nRm^dR?P68?}2sIyFT}Y6tD@gT!Gyt>5fCWNxFpPqc2s~UJ13+{H"
        "ln+a#Czw#x6`-X@4+`yNWMGAu#R%g=QZgeWL;z+zjAjPPgJc91?4fDZfx(2E!Q?+PM4lBW3X*4HVq%1(XNY;sjIg9FfaZdZK@|_d"
        "e*P|?91Y8d3e2Nva}<n%;Q>C_0{|Q@F9Z"
    ),
    "1.8": (
        "c-rgqaB<`1lHy|G;9!7(|4<+R6*7Q|PYhow<nQ4U#Kcg+B!sLG2Dq3Q7#SGYco={bW5H&ac^(W@1H#%1lfX^@TEHm6z`(@F$jAhh"
        "gVD?)42*&b_6!i$J204VGno8mW?*0ix{jHP1L$&QMyMo%0L<VG3_}iNJGmWa7zLwX6pVsVFbXIKAM63ULMM0"
    ),
}
ELSEWHERE = {
    "external, oldest": (
        "c-rgqaB<`1lHy_j0S*oZ76t(ZWbhvfHn5`dVe$!3nh{EOK<O1sFmXn(oCH){5NbZUx{x4OSCH!eXaHtU1`CAdU>F4>5qP*d27u@Y"
        "C?A$ePcWgXD?m$+9u(Tk$iN0MixI|$q+~`$hycub7|jfn2gwL3*hAB*1A_@SgUNqph&(G$6eQ2Y!~`~gok0W4XN2Yz103lb=3fq|"
        "{mhK893p_GGJ-DgAb}Rn0W7HM^ixZc^$QY<i_25M{9r$S7m)v8{!(BbP1EE606yeAp#"
    ),
    "link, oldest": (
        "c-rgqaB<`1lHy_j0S*oZ76t(ZWbhvfGMG{MF!=;1%?PDCp!5nRm^ceqP68?}05x9$YMuvFJS51~71?}rdq%;?1|F`C0U$a8%IAR6"
        "Czw#x!O~#>mF#7Lr(EnQlMCn)MkMuY(Dcp7;lNnH$-t1Wmto4FU%>zXIzu|*"
    ),
    "external, 1.8": (
        "c-rgqaB<`1lHy|G;9!7(|4{Iq5yCfsiqC426Z7|Q31VWXU=l)B2m@S93_vYxJPbgJv0yXIJP!t{0b%WhNnj@cEnpO3U|?coWMqQM"
        "!Dwa?21Y>zdj^Py92iWv8BG2&Gcd3MUB}GDt^w4^0Cpk6ey9gI&}<Qa(i}ivGBd(_2NPvzVHgx3vTorT4_C(k5L*H&2K5lbeMVHZ"
        "`l%(!`UQ!_#pNkrJ^&!DHdX"
    ),
    "link, 1.8": (
        "c-rgqaB<`1lHy|G;9!7(|4^_Q$~S=0?de(?{vIwtObiuFLdXhXfQyNNk%56tfPsOL!-27YlYt>$FT<2Uzk-3mg@G!-tj%{X0O>m-Km"
    ),
    "virtual, 1.8": (
        "c-rgqaB<`1lHy|G;9!7(|4_gn0pS}!#V>ih+UM`#62!z%!6byN5C*uI7#JBC*mxL#6l1|=n0X!yR0G1=3zNW3P&`-4lZ}iS7#T$v"
        "7?>Ct8JVDJVKlP{1EZjVJp;sp4h$yT3?~1X85mfBu4U%t;A3E5VTMYAoX^0pg<(hn?)3}#8Aib<7zLwX6pR95fV;E554h43K&k+N"
        "zy+oNCXla}Vaia!z>FjWt7Kt(0VtahN$c7F{dbV<n=x8Nje=1y3P!;w7zLwX6pVsVFbYP&C>RBF2LSNPH9r"
    ),
}


@pytest.mark.parametrize("content", OWN.values(), ids=OWN)
def test_an_hdf5_file_that_keeps_its_data_passes(tmp_path, content):
    (tmp_path / "t.h5").write_bytes(unpacked(content))
    assert is_hdf5(tmp_path / "t.h5")
    require_own_data(tmp_path / "t.h5")


@pytest.mark.parametrize("content", ELSEWHERE.values(), ids=ELSEWHERE)
def test_an_hdf5_file_that_refers_to_another_file_is_refused(tmp_path, content):
    (tmp_path / "t.h5").write_bytes(unpacked(content))
    for reader in (require_own_data, read_field):
        with pytest.raises(InputError, match="keeps all its data itself"):
            reader(tmp_path / "t.h5")


@pytest.mark.parametrize("content", [*OWN.values(), *ELSEWHERE.values()])
def test_a_damaged_hdf5_file_is_refused_or_read_never_followed_without_end(tmp_path, content):
    whole, random = unpacked(content), np.random.default_rng(5)
    for _ in range(60):
        data = bytearray(whole)
        for place in random.integers(0, len(data), 6):
            data[place] = random.integers(0, 256)
        (tmp_path / "t.h5").write_bytes(data[: random.integers(1, len(data) + 1)])
        try:
            require_own_data(tmp_path / "t.h5")
        except InputError:
            pass


def test_transforms_that_itk_wrote_pass(tmp_path):
    field = sitk.DisplacementFieldTransform(sitk.GetImageFromArray(np.zeros((4, 5, 6, 3)), isVector=True))
    for name, transform in (
        ("field", field),
        ("affine", sitk.AffineTransform(3)),
        ("both", sitk.CompositeTransform([sitk.AffineTransform(3), field])),
    ):
        sitk.WriteTransform(transform, str(tmp_path / f"{name}.h5"))
        require_own_data(tmp_path / f"{name}.h5")
    assert read_field(tmp_path / "field.h5").grid.shape_kji == (4, 5, 6)
