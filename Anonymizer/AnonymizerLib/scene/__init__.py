"""Slicer scenes: what of a person they still carry when the DICOM files are gone, and taking it out."""
