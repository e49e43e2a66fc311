"""Single DICOM images: their headers, their pixels, and the grid that positions span."""
