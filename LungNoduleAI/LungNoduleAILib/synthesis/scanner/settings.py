"""Random scanner settings: reconstruction kernel, slices and noise as they meet in practice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scanner:
    """What turns the truth into a CT: in-plane blur (FWHM), edge enhancement, slice profile and distance, noise.

    ``overshoot`` is the share of the kernel's negative ring (0 smooth, 0.8 a sharp lung kernel); ``noise_grain_mm``
    the FWHM of the noise in the plane; ``noise_hu`` its deviation after reconstruction.
    """

    psf_fwhm_mm: float = 1.1
    overshoot: float = 0.0
    slice_mm: float = 1.0
    increment_mm: float = 1.0
    noise_hu: float = 20.0
    noise_grain_mm: float = 1.4

    @property
    def kernel(self) -> str:
        """Name of the kernel as written into the series."""
        return "sharp" if self.overshoot > 0.3 else "standard" if self.psf_fwhm_mm < 1.4 else "smooth"


def draw_scanner(rng: np.random.Generator, setting: str = "training") -> Scanner:
    """Return settings of one scan; slices 0.6-8 mm with thin ones most often, noise 4-80 HU, higher for sharp
    kernels.
    """
    if setting == "held-out":
        return _protocol(rng)
    thin = rng.random() < 0.72
    slice_mm = float(np.exp(rng.uniform(np.log(0.6), np.log(2.6)))) if thin else float(rng.uniform(2.6, 8.0))
    overlap = rng.choice([1.0, 0.8, 0.5], p=[0.65, 0.2, 0.15])
    increment_mm = max(0.5, slice_mm * float(overlap))
    sharp = rng.random()
    overshoot = float(rng.uniform(0.3, 0.85)) if sharp < 0.3 else float(rng.uniform(0.0, 0.3)) if sharp < 0.6 else 0.0
    fwhm = float(rng.uniform(0.6, 1.2)) if overshoot > 0.3 else float(rng.uniform(0.9, 2.2))
    dose = np.exp(rng.uniform(np.log(5), np.log(38)))
    noise = dose * (1 + 1.6 * overshoot) * (1.2 / slice_mm) ** 0.35
    return Scanner(
        fwhm, overshoot, slice_mm, increment_mm, float(np.clip(noise, 4, 80)), fwhm * float(rng.uniform(0.9, 1.5))
    )


def _protocol(rng: np.random.Generator) -> Scanner:
    """One of the protocols hospitals name: fixed slices and kernels, noise whose grain is its own."""
    slice_mm, increment_mm = (
        (0.625, 0.625),
        (1.0, 0.7),
        (1.0, 1.0),
        (1.25, 1.25),
        (1.5, 1.0),
        (2.0, 2.0),
        (2.5, 2.0),
        (3.0, 3.0),
        (5.0, 5.0),
    )[int(rng.choice(9, p=[0.1, 0.13, 0.17, 0.17, 0.1, 0.1, 0.08, 0.1, 0.05]))]
    fwhm, overshoot = ((0.75, 0.6), (0.95, 0.35), (1.15, 0.0), (1.6, 0.0))[int(rng.integers(4))]
    noise = float(rng.gamma(5.0, 3.6) + 5) * (1 + overshoot) * (1.25 / slice_mm) ** 0.5
    return Scanner(fwhm, overshoot, slice_mm, increment_mm, float(np.clip(noise, 5, 70)), float(rng.uniform(0.8, 2.8)))
