"""One CT or several dates from images to findings, and what a reader changes in them.

18 files because a reader's changes are measured by the same code as the findings, and compared by it too.
"""
