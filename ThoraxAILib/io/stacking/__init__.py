"""From a pile of image headers to the images of each volume: what belongs together, what is told apart, and by what."""
