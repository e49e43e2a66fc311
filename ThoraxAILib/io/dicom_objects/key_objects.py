"""A key object selection (KO, TID 2010): the images of a series that show findings, for archives without SEG and SR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ThoraxAILib.io.dicom_objects.segmentation import MANUFACTURER
from ThoraxAILib.io.dicom_objects.uids import NewInstance

if TYPE_CHECKING:
    from highdicom.ko import KeyObjectSelectionDocument
    from pydicom.dataset import Dataset

FOR_REPORT = ("113000", "DCM", "Of Interest")


def key_object_selection(images: Sequence[Dataset], description: str, new: NewInstance) -> KeyObjectSelectionDocument:
    """Return a document that refers to the images, each once, in their order; ``description`` is read by people."""
    import highdicom as hd
    from pydicom.sr.coding import Code

    unique = list({str(image.SOPInstanceUID): image for image in images}.values())
    content = hd.ko.KeyObjectSelection(
        document_title=Code(*FOR_REPORT), referenced_objects=unique, description=description
    )
    return hd.ko.KeyObjectSelectionDocument(
        evidence=unique,
        content=content,
        series_number=new.series_number,
        series_instance_uid=new.series_uid,
        sop_instance_uid=new.instance_uid,
        instance_number=1,
        manufacturer=MANUFACTURER,
    )
