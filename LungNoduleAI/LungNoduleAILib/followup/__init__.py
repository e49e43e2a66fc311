"""The same nodules in two or more CTs: registration, matching, growth, and what appeared."""
