"""The commands of the lung module.

19 files because each command has its own.
"""
