"""A study with an identifier at every place where one can hide; each place has its own word to look for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anonymizer_studies import CT, ct, file_bytes, put, raw_dataset
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

SR, PDF = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.104.1"
SHARED, CT_EXPOSURE, FRAME_CONTENT = 0x52009229, 0x00189321, 0x00209111


@dataclass(frozen=True)
class Canary:
    """A place and the bytes planted there."""

    place: str
    value: bytes


class Planter:
    """Hands out unmistakable values and remembers where they were put; ``first`` keeps two planters apart."""

    def __init__(self, first: int = 0) -> None:
        self.canaries: list[Canary] = []
        self.first = first

    @property
    def _number(self) -> int:
        return self.first + len(self.canaries)

    def text(self, place: str) -> bytes:
        """A word that no dictionary has."""
        return self._new(place, f"Qzx{self._number:03d}vulp")

    def date(self, place: str) -> bytes:
        """A day nobody else has."""
        number = self._number
        return self._new(place, f"19{20 + number % 70:02d}{1 + number % 12:02d}{1 + (number * 7) % 28:02d}")

    def uid(self, place: str) -> bytes:
        """A UID under a device maker's root."""
        return self._new(place, f"1.3.12.2.1107.5.1.4.{70000 + self._number}.300000")

    def _new(self, place: str, value: str) -> bytes:
        self.canaries.append(Canary(place, value.encode("ascii")))
        return self.canaries[-1].value


TOP_TEXTS = {
    "Patient's Name": (0x00100010, "PN"), "Patient ID": (0x00100020, "LO"), "Other Patient IDs": (0x00101000, "LO"),
    "Other Patient Names": (0x00101001, "PN"), "Patient's Address": (0x00101040, "LO"),
    "Patient's Telephone": (0x00102154, "SH"), "Patient's Mother's Birth Name": (0x00101060, "PN"),
    "Medical Record Locator": (0x00101090, "LO"), "Occupation": (0x00102180, "SH"),
    "Additional Patient History": (0x001021B0, "LT"), "Patient Comments": (0x00104000, "LT"),
    "Issuer of Patient ID": (0x00100021, "LO"), "Insurance": (0x00101050, "LO"),
    "Name to Use (2026c)": (0x00100012, "LO"), "Pronoun Comment (2026c)": (0x00100016, "LO"),
    "Accession Number": (0x00080050, "SH"), "Study ID": (0x00200010, "SH"),
    "Referring Physician": (0x00080090, "PN"), "Performing Physician": (0x00081050, "PN"),
    "Physician Reading": (0x00081060, "PN"), "Operators": (0x00081070, "PN"),
    "Institution": (0x00080080, "LO"), "Institution Address": (0x00080081, "ST"),
    "Institutional Department": (0x00081040, "LO"), "Station": (0x00081010, "SH"),
    "Device Serial Number": (0x00181000, "LO"), "Study Description": (0x00081030, "LO"),
    "Series Description": (0x0008103E, "LO"), "Protocol Name": (0x00181030, "LO"),
    "Image Comments": (0x00204000, "LT"), "Derivation Description": (0x00082111, "ST"),
    "Admitting Diagnoses": (0x00081080, "LO"), "Requested Procedure Description": (0x00321060, "LO"),
    "Requesting Physician": (0x00321032, "PN"), "Study Comments": (0x00324000, "LT"),
    "Performed Procedure Step ID": (0x00400253, "SH"), "Performed Procedure Description": (0x00400254, "LO"),
    "Admission ID": (0x00380010, "LO"), "Current Patient Location": (0x00380300, "LO"),
    "Retrieve AE Title": (0x00080054, "AE"), "Text Value outside of any content (retired use)": (0x0040A160, "UT"),
    "Unknown public attribute": (0x00189F77, "LO"), "Contribution Description": (0x0018A003, "ST"),
    "Retired Study Verified By": (0x00080040, "SH"), "Text of a plan in a CT": (0x300A0003, "LO"),
    "Lower case in a code string": (0x00180022, "CS"), "Letters in an integer": (0x00181401, "IS"),
    "Letters in a decimal": (0x00181405, "DS"),
}

TOP_DATES = {"Birth Date": (0x00100030, "DA"), "Study Date": (0x00080020, "DA"), "Acquisition Date": (0x00080022, "DA"),
             "Acquisition DateTime": (0x0008002A, "DT"), "Last Menstrual Date": (0x001021D0, "DA"),
             "Unlisted date": (0x00321010, "DA"), "Calibration Date": (0x00181200, "DA")}
TOP_UIDS = {"Study UID": (0x0020000D, "UI"), "Series UID": (0x0020000E, "UI"), "Frame of Reference": (0x00200052, "UI"),
            "Device UID": (0x00181002, "UI"), "Unlisted UID": (0x00281199, "UI")}


def canary_ct() -> tuple[bytes, list[Canary]]:
    """A CT file full of canaries: attributes, nesting, private blocks, graphics, meta, preamble and surplus bytes."""
    plant = Planter()
    ds = ct()
    for hand_out, places in ((plant.text, TOP_TEXTS), (plant.date, TOP_DATES), (plant.uid, TOP_UIDS)):
        for place, (tag, vr) in places.items():
            put(ds, tag, vr, hand_out(place))
    put(ds, 0x00080018, "UI", plant.uid("SOP Instance UID"))
    _plant_nested(ds, plant)
    _plant_private(ds, plant)
    _plant_graphics(ds, plant)
    return _with_odd_bytes(ds, plant), plant.canaries


def _plant_nested(ds: Dataset, plant: Planter) -> None:
    name, text = plant.text, plant.text
    put(ds, 0x00081110, "SQ", [raw_dataset((0x00081155, "UI", plant.uid("Referenced Study, nested")))])
    put(ds, 0x00081140, "SQ", [raw_dataset((0x00081150, "UI", CT.encode()),
                                           (0x00081155, "UI", plant.uid("Referenced Image, nested")))])
    put(ds, 0x00400275, "SQ", [raw_dataset((0x00400007, "LO", text("Step description, nested")),
                                           (0x00401001, "SH", text("Requested procedure ID, nested")))])
    put(ds, 0x00321064, "SQ", [raw_dataset((0x00080104, "LO", text("Code meaning in a removed sequence")))])
    put(ds, 0x04000561, "SQ", [raw_dataset((0x04000550, "SQ", [raw_dataset(
        (0x00100010, "PN", name("Original attributes, two deep")))]))])
    put(ds, 0x04000500, "SQ", [raw_dataset((0x04000520, "OB", text("Encrypted attributes")))])
    put(ds, 0xFFFAFFFA, "SQ", [raw_dataset((0x04000115, "OB", text("Certificate of the signer")))])
    deep = raw_dataset((0x00181070, "PN", name("Unlisted name, three deep")),
                       (0x00081070, "PN", name("Operator, three deep")),
                       (0x00189074, "DT", plant.date("Frame date, three deep")),
                       (0x00204000, "LT", text("Comment, three deep")),
                       (0x00291001, "LO", text("Private, three deep")), (0x00290010, "LO", b"ACME HIDDEN"))
    exposure = raw_dataset((FRAME_CONTENT, "SQ", [deep]), (0x00081070, "PN", name("Operator in an unlisted sequence")))
    put(ds, SHARED, "SQ", [raw_dataset((CT_EXPOSURE, "SQ", [exposure]))])
    put(ds, 0x00400555, "SQ", [raw_dataset((0x0040A160, "UT", text("Acquisition context")))])
    put(ds, 0x00880200, "SQ", [raw_dataset((0x7FE00010, "OB", text("Icon pixels")))])


def _plant_private(ds: Dataset, plant: Planter) -> None:
    put(ds, 0x00090010, "LO", plant.text("Private creator"))
    put(ds, 0x00091001, "PN", plant.text("Private name"))
    put(ds, 0x00091002, "UN", plant.text("Private bytes"))
    put(ds, 0x00091003, "SQ", [raw_dataset((0x00100010, "PN", plant.text("Name in a private sequence")))])
    put(ds, 0x00430010, "LO", b"GEMS_PARM_01")
    put(ds, 0x00431062, "SH", plant.text("Private, known creator, unlisted element"))


def _plant_graphics(ds: Dataset, plant: Planter) -> None:
    put(ds, 0x60000010, "US", b"\x10\x00")
    put(ds, 0x60000011, "US", b"\x10\x00")
    put(ds, 0x60000040, "CS", b"G")
    put(ds, 0x60000022, "LO", plant.text("Overlay description"))
    put(ds, 0x60001500, "LO", plant.text("Overlay label"))
    put(ds, 0x60003000, "OW", plant.text("Overlay data"))
    put(ds, 0x60044000, "LT", plant.text("Overlay comments"))
    put(ds, 0x50000022, "LO", plant.text("Curve description"))
    put(ds, 0x50003000, "OW", plant.text("Curve data"))


def _with_odd_bytes(ds: Dataset, plant: Planter) -> bytes:
    """The file with canaries in meta information, preamble, behind the last pixel and behind the pixel data."""
    ds.file_meta.SourceApplicationEntityTitle = plant.text("Source AE title").decode()
    ds.file_meta.PrivateInformationCreatorUID = plant.uid("Private information creator").decode()
    ds.file_meta.PrivateInformation = plant.text("Private information") + b"\0"
    ds.file_meta.ImplementationVersionName = plant.text("Implementation version").decode()
    ds.PixelData = ds.PixelData + plant.text("Bytes behind the last pixel") + b"\0"
    ds.add_new(0xFFFCFFFC, "OB", plant.text("Trailing padding") + b"\0")
    data = bytearray(file_bytes(ds))
    preamble = plant.text("Preamble")
    data[:len(preamble)] = preamble
    return bytes(data)


def canary_sr(study: Dataset) -> tuple[bytes, list[Canary]]:
    """A structured report about the CT: persons, texts, dates and device UIDs in its content."""
    plant = Planter(200)
    ds = _document(study, SR, "SR")
    ds.CompletionFlag, ds.VerificationFlag, ds.ValueType = "COMPLETE", "VERIFIED", "CONTAINER"
    ds.ContinuityOfContent = "SEPARATE"
    put(ds, 0x0040A073, "SQ", [raw_dataset((0x0040A027, "LO", plant.text("Verifying organization")),
                                           (0x0040A030, "DT", plant.date("Verification date")),
                                           (0x0040A075, "PN", plant.text("Verifying observer")))])
    concept = [raw_dataset((0x00080100, "SH", b"121106"), (0x00080102, "SH", b"DCM"), (0x00080104, "LO", b"Comment"))]
    inner = raw_dataset((0x0040A010, "CS", b"CONTAINS"), (0x0040A040, "CS", b"TEXT"), (0x0040A043, "SQ", concept),
                        (0x0040A160, "UT", b"Seen by Dr " + plant.text("Text, two deep")))
    put(ds, 0x0040A730, "SQ", [
        raw_dataset((0x0040A010, "CS", b"HAS OBS CONTEXT"), (0x0040A040, "CS", b"PNAME"), (0x0040A043, "SQ", concept),
                    (0x0040A123, "PN", plant.text("Person in the content"))),
        raw_dataset((0x0040A010, "CS", b"CONTAINS"), (0x0040A040, "CS", b"UIDREF"), (0x0040A043, "SQ", concept),
                    (0x0040A124, "UI", plant.uid("UID in the content"))),
        raw_dataset((0x0040A010, "CS", b"CONTAINS"), (0x0040A040, "CS", b"DATE"), (0x0040A043, "SQ", concept),
                    (0x0040A121, "DA", plant.date("Date in the content"))),
        raw_dataset((0x0040A010, "CS", b"CONTAINS"), (0x0040A040, "CS", b"CONTAINER"), (0x0040A043, "SQ", concept),
                    (0x0040A050, "CS", b"SEPARATE"), (0x0040A730, "SQ", [inner])),
    ])
    return file_bytes(ds), plant.canaries


def canary_pdf(study: Dataset) -> tuple[bytes, list[Canary]]:
    """An encapsulated PDF that names the patient."""
    plant = Planter(300)
    ds = _document(study, PDF, "DOC")
    ds.MIMETypeOfEncapsulatedDocument, ds.BurnedInAnnotation = "application/pdf", "YES"
    ds.DocumentTitle = plant.text("Document title").decode()
    ds.EncapsulatedDocument = b"%PDF-1.4 " + plant.text("Encapsulated document") + b"\0"
    return file_bytes(ds), plant.canaries


def _document(study: Dataset, sop_class: str, modality: str) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = sop_class, f"1.2.826.0.1.78.{len(modality)}", modality
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study.StudyInstanceUID, f"1.2.826.0.1.79.{len(modality)}"
    ds.PatientName, ds.PatientID = study.PatientName, study.PatientID
    ds.StudyDate, ds.ContentDate, ds.ContentTime = study.StudyDate, study.StudyDate, "120000"
    ds.SeriesNumber, ds.InstanceNumber = 9, 1
    return ds


def write_canary_study(folder: Path) -> list[Canary]:
    """All canary files in a folder whose names are canaries too; the canaries of everything."""
    ct_data, canaries = canary_ct()
    sr_data, in_report = canary_sr(ct())
    pdf_data, in_document = canary_pdf(ct())
    for name, data in ((b"Qzx900vulp_ct.dcm", ct_data), (b"Qzx901vulp_sr.dcm", sr_data), (b"Qzx902vulp.dcm", pdf_data)):
        path = folder / "Qzx903vulp_Patient" / name.decode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    names = [Canary(f"file name {number}", f"Qzx90{number}vulp".encode()) for number in range(4)]
    report = [Canary(f"report: {canary.place}", canary.value) for canary in in_report]
    document = [Canary(f"document: {canary.place}", canary.value) for canary in in_document]
    return [*canaries, *report, *document, *names]


def leaks(folder: Path, canaries: list[Canary]) -> list[str]:
    """The places whose canary is found below a folder: in bytes, in UTF-16, in inflated data and in names."""
    texts = [str(path.relative_to(folder)).encode().lower() for path in folder.rglob("*")]
    texts += [path.read_bytes().lower() for path in folder.rglob("*") if path.is_file()]
    return [canary.place for canary in canaries
            if any(form in text for text in texts
                   for form in (canary.value.lower(), canary.value.decode().lower().encode("utf-16-le")))]
