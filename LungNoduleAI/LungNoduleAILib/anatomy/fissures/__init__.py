"""Borders between lobes, moved to where the CT shows them: a bright sheet, and a band that vessels do not cross."""
