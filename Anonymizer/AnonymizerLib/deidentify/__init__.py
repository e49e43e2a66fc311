"""Deidentify."""
