"""Reading order: what a case's findings make of its priority, and what reordering a worklist does to waiting times."""
