"""What happens to which attribute: the standard's table, its options, presets and the user's own rules."""
