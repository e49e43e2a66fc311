"""Nodules."""
