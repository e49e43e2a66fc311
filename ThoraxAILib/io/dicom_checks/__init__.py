"""Outside programs that judge DICOM files, run where they are installed."""
