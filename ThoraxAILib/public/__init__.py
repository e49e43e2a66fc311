"""What the functions behind ``import thoraxai`` share: their images, their options and their progress."""
