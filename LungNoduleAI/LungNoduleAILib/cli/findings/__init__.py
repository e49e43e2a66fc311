"""Commands that end in the findings of a CT: analyzed, reviewed or read from other programs; what they print."""
