"""DICOM de-identification after PS3.15 Annex E."""
