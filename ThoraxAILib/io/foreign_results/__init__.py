"""Results of other programs: measurement reports (SR), segmentations (SEG) and contours (RTSTRUCT).

What is not understood is kept as text and named, never dropped.
"""
