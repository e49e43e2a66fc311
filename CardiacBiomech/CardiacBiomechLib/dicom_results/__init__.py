"""What a study says as DICOM: the heart at end-diastole and end-systole as segmentations, its numbers as a report."""
