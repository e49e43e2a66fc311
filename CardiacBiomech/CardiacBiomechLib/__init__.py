"""Short-axis cine MRI to motion, strain and biomechanics."""
