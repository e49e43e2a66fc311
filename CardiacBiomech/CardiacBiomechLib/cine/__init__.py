"""A cine as its frames: read from files or a DICOM folder, written as a sequence that Slicer plays."""
