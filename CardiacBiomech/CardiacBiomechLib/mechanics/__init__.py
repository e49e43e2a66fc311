"""What a motion says about the wall: strain in the heart's own axes."""
