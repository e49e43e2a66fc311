"""Analysis results as MRML nodes; no Qt."""
