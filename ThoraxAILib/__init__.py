"""Shared foundation of the ThoraxAI extension suite: volumes, readers, jobs, MRML scene and panels."""

__version__ = "0.1.0"
