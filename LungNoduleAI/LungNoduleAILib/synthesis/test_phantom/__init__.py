"""Small phantoms for tests, the sample and the self-test; networks are trained on the persons of ``body``."""
