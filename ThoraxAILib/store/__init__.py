"""Stores of DICOM objects (a folder, DICOMweb, DIMSE) behind one protocol; what comes from them is not trusted."""
