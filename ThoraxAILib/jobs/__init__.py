"""Long work: progress and cancel, processes and their pool, what is written at the end, run record."""
