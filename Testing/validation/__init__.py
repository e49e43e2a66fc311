"""Measured numbers: one row each in docs/validation.json, their page, and the check that no text tells another one."""
