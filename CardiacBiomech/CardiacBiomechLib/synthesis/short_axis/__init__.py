"""Short-axis stacks of synthetic hearts in a chest: exact labels, every shape and place of the organs drawn."""
