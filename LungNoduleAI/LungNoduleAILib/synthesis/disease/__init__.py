"""Disease that takes lung away: large masses, fluid, consolidation, collapse and air in the pleural space."""
