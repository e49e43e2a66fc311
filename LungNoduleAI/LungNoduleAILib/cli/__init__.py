"""The commands of the lung module."""
