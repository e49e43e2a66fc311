"""Objects that are more than an image with attributes: structured content, dummies for sequences, private blocks."""
