"""The panel of the lung module.

16 files because each section has its own.
"""
