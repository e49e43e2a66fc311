"""The commands of the lung module.

18 files because each command has its own.
"""
