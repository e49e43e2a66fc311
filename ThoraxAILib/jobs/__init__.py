"""Long work: progress and cancel, child process, atomic output folder, run record."""
