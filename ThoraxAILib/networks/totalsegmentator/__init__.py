"""TotalSegmentator (version 2), run as its own program in a child process, where it is installed."""
