"""Burned-in text: clean is said only when independent passes agree; what one of them finds waits for a person."""

from __future__ import annotations

import importlib.util
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from AnonymizerLib.deidentify.instance import CleanInstance, InstanceCleaner, Refused
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.letters import ocr
from AnonymizerLib.letters.drawn_text import pieces_of, probability_of_text
from AnonymizerLib.letters.ocr import Word, turned_back
from AnonymizerLib.letters.strokes import are_drawn
from AnonymizerLib.letters.text_network import TextNetwork, text_network
from AnonymizerLib.objects.dicom_file import read_dicom
from AnonymizerLib.pixels import reading
from AnonymizerLib.pixels.clean import PixelPolicy, clean_pixels
from AnonymizerLib.pixels.editor import PixelEditor
from AnonymizerLib.pixels.screen import has_strokes, seems_drawn_on
from AnonymizerLib.profile.presets import profile_named
from AnonymizerLib.profile.regions import Box
from fixtures.anonymizer_studies import KEY, ct, file_bytes
from ThoraxAILib.errors import InputError

CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ROWS, COLUMNS = 240, 320
NAME = "DOE JOHN 11.06.1944"


class Reader:
    """Stands in for OCR: reads every sheet or none, and says fixed words of whole pictures."""

    def __init__(self, reads_sheets: bool = False, words: tuple[Word, ...] = ()) -> None:
        self.reads_sheets, self.words, self.pictures = reads_sheets, words, 0

    def read(self, picture: np.ndarray) -> list[Word]:
        self.pictures += 1
        return list(self.words)

    def read_sheet(self, sheet: np.ndarray) -> list[Word]:
        return [Word(Box(0, top, 40, 8), 90.0, 6) for top in range(0, sheet.shape[0], 8)] if self.reads_sheets else []


def tissue(seed: int = 3) -> np.ndarray:
    """Soft clouds with grain, float (240, 320)."""
    from scipy import ndimage

    random = np.random.default_rng(seed)
    clouds = ndimage.gaussian_filter(random.normal(size=(ROWS, COLUMNS)), 20)
    return 70 + 35 * clouds / clouds.std() + random.normal(0, 4, (ROWS, COLUMNS))


def with_text(
    ground: np.ndarray, text: str = NAME, size: int = 18, turn: int = 0, level: float = 250.0, at: tuple = (30, 20)
) -> np.ndarray:
    """The ground with a line of text of one gray value, turned by quarters."""
    image = Image.new("L", (COLUMNS, 30))
    ImageDraw.Draw(image).text((2, 2), text, fill=255, font=ImageFont.load_default(size))
    cover = np.asarray(image)[:, : image.getbbox()[2] + 2]
    cover = np.rot90(cover, turn) / 255.0
    result = ground.copy()
    where = slice(at[0], at[0] + cover.shape[0]), slice(at[1], at[1] + cover.shape[1])
    result[where] = result[where] * (1 - cover) + level * cover
    return result


def capture(*frames: np.ndarray) -> Dataset:
    ds = ct()
    ds.SOPClassUID, ds.Modality = CAPTURE, "OT"
    ds.Rows, ds.Columns = frames[0].shape
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    if len(frames) > 1:
        ds.SOPClassUID, ds.NumberOfFrames = "1.2.840.10008.5.1.4.1.1.7.2", len(frames)
    ds.PixelData = np.clip(np.stack(frames), 0, 255).astype(np.uint8).tobytes()
    ds["PixelData"].VR = "OB"
    return ds


def cleaned(ds: Dataset, reader: Reader | None = None, **policy: object) -> CleanInstance:
    cleaner = InstanceCleaner(
        profile_named("teaching"), Identities(KEY), PixelPolicy(**policy), reader=reader or Reader(reads_sheets=True)
    )
    return cleaner.clean(file_bytes(ds))


def written(instance: CleanInstance) -> Dataset:
    head, pixels = instance.encoded()
    return dcmread(BytesIO(head + bytes(pixels)))


def is_left(ground: np.ndarray, drawn: np.ndarray, after: np.ndarray) -> bool:
    """Whether a tenth of the letters is in the output as it was."""
    letters = np.abs(ground - drawn) > 20
    return bool((np.abs(after[letters] - drawn[letters]) < 2).mean() > 0.1)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize("level", [250.0, 130.0, 5.0])
@pytest.mark.parametrize("reads", [True, False])
def test_a_name_at_any_turn_and_contrast_is_blanked_or_waits(turn, level, reads):
    ground = tissue()
    drawn = with_text(ground, turn=turn, level=level)
    ds = written(cleaned(capture(drawn), Reader(reads_sheets=reads)))
    assert ds.BurnedInAnnotation == "NO"
    assert not is_left(ground, drawn, ds.pixel_array)


def test_smoothed_letters_that_ocr_does_not_read_wait():
    from scipy import ndimage

    ground = tissue()
    smooth = ground + ndimage.gaussian_filter(with_text(ground, size=22, level=200.0) - ground, 1.0)
    with pytest.raises(Refused, match="like writing"):
        cleaned(capture(smooth), Reader())


def test_one_line_that_is_read_does_not_make_the_other_clean():
    ground = tissue()
    first = with_text(ground, "SIEMENS 2D THI", 20, at=(15, 120))
    both = with_text(first, turn=1, at=(40, 10))
    after = written(cleaned(capture(both))).pixel_array
    assert not is_left(first, both, after)
    assert not is_left(ground, first, after)


def test_only_what_looks_like_writing_is_blanked():
    ground = tissue()
    drawn = with_text(ground)
    after = written(cleaned(capture(drawn))).pixel_array
    rows, columns = np.nonzero(np.abs(ground - drawn) > 20)
    near = np.zeros(after.shape, bool)
    near[rows.min() - 16 : rows.max() + 16, columns.min() - 24 : columns.max() + 24] = True
    assert (after[~near] == drawn.clip(0, 255).astype(np.uint8)[~near]).all()


def test_a_picture_without_writing_passes_and_keeps_its_coded_pixels():
    ds = capture(tissue())
    ds.compress(RLELossless, generate_instance_uid=False)
    reader = Reader()
    instance = cleaned(ds, reader)
    assert instance.file.transfer_syntax == RLELossless
    assert bytes(instance.file.pixels) == bytes(read_dicom(file_bytes(ds)).pixels)
    assert reader.pictures == 1
    again = written(instance)
    assert again.BurnedInAnnotation == "NO"
    assert "113101" in [item.CodeValue for item in again.DeidentificationMethodCodeSequence]


def test_a_word_that_only_ocr_reads_waits_and_nothing_is_blanked():
    word = Word(Box(120, 100, 60, 20), 95.0, 6)
    with pytest.raises(Refused, match="OCR reads"):
        cleaned(capture(tissue()), Reader(words=(word,)))


def test_a_stated_annotation_that_nobody_finds_waits():
    ds = capture(tissue())
    ds.BurnedInAnnotation = "YES"
    with pytest.raises(Refused, match="no text was found"):
        cleaned(ds, Reader())


def test_a_persons_box_is_read_again_and_text_beside_it_waits():
    ground = tissue()
    drawn = with_text(ground)
    covered = written(cleaned(capture(drawn), Reader(), boxes=(Box(0, 20, COLUMNS, 45),)))
    assert covered.BurnedInAnnotation == "NO"
    assert not is_left(ground, drawn, covered.pixel_array)
    beside = with_text(drawn, "Quillfeather", level=150.0, at=(150, 60))
    both = written(cleaned(capture(beside), Reader(), boxes=(Box(0, 20, COLUMNS, 45),))).pixel_array
    assert not is_left(drawn, beside, both)
    word = Word(Box(120, 200, 60, 20), 95.0, 6)
    with pytest.raises(Refused, match="OCR reads"):
        cleaned(capture(drawn), Reader(words=(word,)), boxes=(Box(0, 20, COLUMNS, 45),))


def test_who_accepts_without_a_reading_gets_no_claim_that_there_is_no_text():
    ds = written(cleaned(capture(with_text(tissue())), Reader(), accept_doubtful=True))
    assert "BurnedInAnnotation" not in ds or ds.BurnedInAnnotation != "NO"


def test_text_in_one_frame_of_many_is_found():
    frames = [tissue()] * 4 + [with_text(tissue())] + [tissue(9)] * 4
    after = written(cleaned(capture(*frames))).pixel_array
    assert not is_left(frames[0], frames[4], after[4])
    reader = Reader()
    editor = PixelEditor(read_dicom(file_bytes(capture(*frames))))
    assert [index for index, _ in reading.distinct_frames(editor)] == [0, 4, 5]
    reading.reads_anything(editor, reader, (4,))
    assert reader.pictures == 5  # first, middle and last frame, and the brightest and darkest of all


def test_more_frames_than_can_be_judged_wait(monkeypatch):
    monkeypatch.setattr(reading, "MAX_FRAMES_READ", 2)
    with pytest.raises(InputError, match="3 frames"):
        cleaned(capture(tissue(), tissue(4), tissue(5)))


def test_pixels_are_decoded_once_and_stored_once():
    ds = capture(with_text(tissue()))
    ds.compress(RLELossless, generate_instance_uid=False)
    editor = PixelEditor(read_dicom(file_bytes(ds)))
    verdict = clean_pixels(editor, profile_named("teaching"), PixelPolicy(), Reader(reads_sheets=True))
    assert not verdict.quarantine
    assert verdict.work.frame_judged
    assert editor.file.transfer_syntax == RLELossless
    editor.finish()
    assert editor.file.transfer_syntax != RLELossless
    assert editor.times_decoded == 1


def test_a_slice_with_a_name_drawn_in_its_brightest_value_is_doubtful_and_a_plain_one_is_not():
    ground = tissue() * 10
    for frame, is_drawn_on in ((ground, False), (with_text(ground, level=4000.0), True)):
        ds = ct()
        ds.Rows, ds.Columns = frame.shape
        ds.PixelData = np.clip(frame, 0, 4000).astype(np.uint16).tobytes()
        editor = PixelEditor(read_dicom(file_bytes(ds)))
        assert seems_drawn_on(editor, False) == is_drawn_on
        if is_drawn_on:
            with pytest.raises(Refused, match="drawn into the slice"):
                InstanceCleaner(profile_named("basic"), Identities(KEY)).clean(file_bytes(ds))


def test_only_strokes_of_the_brightest_value_are_given_to_the_network():
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 4096, (512, 512)).astype(np.uint16)
    metal = rng.integers(0, 3000, (512, 512)).astype(np.uint16)
    metal[200:230, 300:340] = 4095
    letters = np.clip(with_text(tissue() * 10, level=4000.0), 0, 4000).astype(np.uint16)
    cut_out = np.zeros((ROWS, COLUMNS), np.uint16)
    cut_out[:45] = np.where(letters[:45] == letters.max(), 0, 4000)
    frames = [(noise, False), (metal, False), (letters, True), (cut_out, True), (noise[:256, :256] // 2, False)]
    assert [has_strokes(frame) for frame, _ in frames] == [is_drawn for _, is_drawn in frames]
    assert has_strokes(letters.max() - letters, is_inverted=True)


def test_strokes_of_one_value_are_told_from_texture_and_lines():
    ground = tissue()
    whole = Box(0, 0, COLUMNS, ROWS)
    assert are_drawn(np.round(with_text(ground)), Box(10, 20, 300, 40))
    assert not are_drawn(np.round(ground), whole)
    line = ground.copy()
    line[100, 20:300] = 250
    assert not are_drawn(np.round(line), whole)
    color = np.stack([ground, with_text(ground), ground], axis=2).round()
    assert are_drawn(color, Box(10, 20, 300, 40))


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_boxes_of_turned_pictures_come_back_to_their_place(turns):
    marked = np.zeros((50, 80), bool)
    marked[10:14, 20:31] = True
    rows, columns = np.nonzero(np.rot90(marked, turns))
    box = Box(int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    assert turned_back(box, turns, 50, 80) == Box(20, 10, 11, 4)


def test_the_network_gives_tiles_and_the_whole_the_same_answer():
    picture = np.tile(with_text(tissue()), (5, 4))
    whole = text_network()
    answer = whole(picture)
    assert answer.shape == (300, 320)
    piece = whole(picture[200:900, 200:1000])
    assert np.abs(answer[80:200, 80:220] - piece[30:150, 30:170]).max() < 0.05


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is the other implementation")
def test_the_network_in_numpy_is_the_one_that_was_trained(tmp_path):
    import torch

    from AnonymizerLib.letters.text_network import evened
    from AnonymizerLib.training.text_network import build_network, save

    torch.manual_seed(4)
    network = build_network()
    save(network, tmp_path / "weights.npz")
    picture = with_text(tissue())
    with np.load(tmp_path / "weights.npz") as stored:
        layers = [(stored[f"weight{n}"], stored[f"bias{n}"]) for n in range(len(stored.files) // 2)]
    ours = TextNetwork(tuple((w.astype(np.float32), b.astype(np.float32)) for w, b in layers))(picture)
    with torch.no_grad():
        theirs = torch.sigmoid(network(torch.from_numpy(evened(picture))[None]))[0, 0].numpy()
    assert np.abs(ours - theirs).max() < 0.01


def test_letters_are_seen_where_they_are():
    drawn = with_text(tissue(), at=(100, 40))
    pieces = pieces_of(probability_of_text(drawn.clip(0, 255).astype(np.uint8)))
    assert any(piece.box.top > 80 and piece.box.top + piece.box.height < 150 for piece in pieces)
    assert not pieces_of(probability_of_text(tissue().clip(0, 255).astype(np.uint8)))


@pytest.mark.skipif(not ocr.is_available(), reason="tesseract is not installed")
@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, 1])
def test_tesseract_reads_a_turned_name_and_the_file_leaves_without_it(turn):
    ground = tissue()
    drawn = with_text(ground, turn=turn)
    words = ocr.Tesseract().read(ocr.gray_of(drawn))
    assert any(word.letters >= 3 and word.confidence > 60 for word in words)
    cleaner = InstanceCleaner(profile_named("teaching"), Identities(KEY))
    after = written(cleaner.clean(file_bytes(capture(drawn)))).pixel_array
    assert not is_left(ground, drawn, after)
