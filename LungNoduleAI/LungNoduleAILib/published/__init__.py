"""Engines that run networks published by others; their weights come only when a person fetches them."""
