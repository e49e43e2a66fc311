"""Identity in pixels: text burned into images, and faces."""
