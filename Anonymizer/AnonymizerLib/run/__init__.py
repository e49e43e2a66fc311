"""A run over a folder, from its options to its report: one file for each step (listing, worker, journal, linkage)."""
