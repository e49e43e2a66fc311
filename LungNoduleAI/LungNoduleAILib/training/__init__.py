"""Making the shipped weights again, from seeds and phantoms alone."""
