"""Two dates."""
