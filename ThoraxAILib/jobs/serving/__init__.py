"""Processes that run one command after another, so that libraries and models are loaded once and not for every case."""
