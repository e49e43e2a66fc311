"""What one file of unknown origin may take: every bound by name, and the worker processes that keep to them."""
