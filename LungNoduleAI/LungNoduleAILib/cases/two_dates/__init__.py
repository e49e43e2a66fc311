"""Two or more CTs of one person: from their files to a folder with what changed."""
