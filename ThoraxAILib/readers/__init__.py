"""DICOM folders, NRRD, NIfTI and MetaImage to Volume, with every choice and repair stated."""
