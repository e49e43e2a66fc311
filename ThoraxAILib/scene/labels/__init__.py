"""What the values of label arrays are: segments, layers of them, and their codes."""
