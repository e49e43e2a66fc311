"""Qt parts of the panel of Anonymizer: the tag table, the image with its regions, the quarantine list."""
