"""Lung rads."""
