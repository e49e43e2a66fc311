"""Segmentation of a heart in short-axis frames without a label from a person."""
