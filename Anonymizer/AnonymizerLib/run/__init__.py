"""A run over a folder, from its options to its report.

It has a few more files because each step (listing, worker, pool, journal, linkage, report) is an idea of its own.
"""
