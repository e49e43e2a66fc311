"""Slicer without its application: what plain Python needs so that MRML code runs on slicer-core."""
