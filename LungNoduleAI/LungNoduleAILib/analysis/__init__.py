"""One CT or several dates from images to findings, and what a reader changes in them."""
