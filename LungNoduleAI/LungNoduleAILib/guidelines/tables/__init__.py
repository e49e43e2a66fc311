"""The printed tables as data, each with its source and edition; the code that applies them lies one folder up."""
