"""Parenchyma patterns: normal, ground glass and reticular lung, as a map and as shares of every lobe."""
