"""What takes the place of aerated lung: masses, consolidation, collapse, pleural fluid and pleural air, with places."""
