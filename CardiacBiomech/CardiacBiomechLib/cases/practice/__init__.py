"""Practice with cines as files: the case, its score, and what the software reads off it."""
