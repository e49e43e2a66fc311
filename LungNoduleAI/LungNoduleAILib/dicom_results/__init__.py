"""What an analysis says as DICOM: anatomy and nodules as segmentations, measurements as a report."""
