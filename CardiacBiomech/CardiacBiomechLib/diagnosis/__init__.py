"""Diagnosis out of named features: tables, models, evaluation, explanation."""
