"""Results as DICOM objects that other viewers read: segmentations (SEG) and measurement reports (SR)."""
