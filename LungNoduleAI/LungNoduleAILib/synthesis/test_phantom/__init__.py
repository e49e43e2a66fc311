"""Test phantom."""
