"""Model cards, weights and the device they run on."""
