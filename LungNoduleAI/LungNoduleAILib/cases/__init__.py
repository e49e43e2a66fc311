"""Cases: what a command is asked, from its files to its folder of results.

16 files because each kind of case has its own.
"""
