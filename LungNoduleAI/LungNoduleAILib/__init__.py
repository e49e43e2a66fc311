"""Chest CT to anatomy, nodules, measurements and report (algorithms, scene, panel and commands)."""
