"""What ``import thoraxai`` offers for the motion of the heart."""
