"""What ``import thoraxai`` offers for de-identification."""
