"""What a reader changes in findings: acts, their record, and what a later analysis or comparison makes of them."""
