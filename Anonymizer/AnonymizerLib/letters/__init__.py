"""Finding drawn letters in a picture: a small network, OCR, and strokes of one value; nothing here knows DICOM."""
