"""Named features of a study, and tables of them."""
