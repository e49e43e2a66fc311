"""Cases: what a command is asked, from its files to its folder of results."""
