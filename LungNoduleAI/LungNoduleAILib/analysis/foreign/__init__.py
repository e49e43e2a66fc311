"""Results of other programs as findings: segments, contours and measurement groups that describe a nodule."""
