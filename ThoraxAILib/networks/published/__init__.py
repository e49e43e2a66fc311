"""Networks that others published: what they are, where their files lie, and how they come and go. None is shipped."""
