"""Thresholds with a guarantee: losses of calibration scans, Conformal Risk Control over them, and what is promised."""
