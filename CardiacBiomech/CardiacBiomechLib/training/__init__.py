"""Training of networks on phantoms."""
