"""Phantoms: synthetic chests with exactly known truth."""
