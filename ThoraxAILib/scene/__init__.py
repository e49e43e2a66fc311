"""MRML: the headless host and the builders of segments, markups, tables and transforms (no Qt)."""
