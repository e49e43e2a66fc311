"""The commands of the lung module.

17 files because each command has its own.
"""
