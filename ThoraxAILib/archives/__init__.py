"""Archives of unknown origin: what may come out of them, and into which folder."""
