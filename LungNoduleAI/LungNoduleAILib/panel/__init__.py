"""The panel of the lung module."""
