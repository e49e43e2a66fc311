"""Where nodules may be: detectors behind one protocol, then the lung filter."""
