"""Module panels of the suite without desktop Slicer: PySide6 offscreen that behaves like PythonQt, on real MRML nodes.

Desktop Slicer reaches Qt through PythonQt, where Qt properties are attributes (``button.enabled = False``) and signals
are connected by their C++ signature. ``session.start()`` gives PySide6 that face, adds the ctk and qMRML widgets the
panels use, and puts the real scene of slicer-core behind them. Whatever is not known here (widget class, property,
signal) is an error, so that a typo cannot pass a test and fail in Slicer. What it cannot show: that desktop Slicer
itself behaves the same; it was written after PythonQt's documentation and Slicer's own tests.
"""
