"""Practice for trainees: cines of known hearts, the score of their reading, and why the truth is what it is."""
