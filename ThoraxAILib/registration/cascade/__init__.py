"""Deep cascaded registration: networks that each predict a field on the image warped so far (Comte et al., 2023)."""
