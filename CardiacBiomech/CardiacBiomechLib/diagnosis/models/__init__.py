"""Selection, five classifiers, calibration, prediction sets and their files."""
