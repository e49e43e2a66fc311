"""How large, how dense and where a nodule is."""
