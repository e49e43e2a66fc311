"""Sections of the module's panel that stand on their own."""
