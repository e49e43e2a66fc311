"""Files of unknown origin: what they may name, how much they may hold; no third-party imports."""
