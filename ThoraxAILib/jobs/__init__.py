"""Long work: progress and cancel, processes and their pool, atomic output folder, run record.

17 files because the safe writing of results (guard, private files, CSV) lies beside the processes that write them.
"""
