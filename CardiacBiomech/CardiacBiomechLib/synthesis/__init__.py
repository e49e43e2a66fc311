"""Hearts whose motion is known exactly: an analytic ventricle, its cine images, and a finite-element ventricle."""
