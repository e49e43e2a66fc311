"""Practice for trainees: endless cases with known truth, the score of their marks, and what looks like a nodule."""
