"""Practice for trainees, whatever they read: what was scored so far, and the case that is still open."""
