"""Motion of the heart between frames: registration, label propagation and fusion, slice alignment."""
