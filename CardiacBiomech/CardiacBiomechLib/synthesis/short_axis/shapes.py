"""Shapes of hearts drawn at random: five groups, any phase from end-diastole to end-systole.

Ranges follow the group rules of Bernard et al., TMI 37:2514 (2018), the normal ranges of Kawel-Boehm et al., JCMR 17:29
(2015), and Petersen et al., JCMR 19:18 (2017: papillary muscles in the cavity, wall about 0.6 of its volume), widened:
the shapes teach a network, they describe nobody. The wall keeps its volume up to a factor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class Group:
    """Ranges of one group; lengths in mm at end-diastole, shares of what is left at end-systole."""

    endo_mm: Range
    wall_mm: Range
    length_mm: Range
    left_systole: Range
    right_mm: Range
    right_systole: Range
    bump_mm: Range = (0.0, 0.0)
    infarct: Range = (0.0, 0.0)
    flat: Range = (0.0, 0.05)


GROUPS = {
    "NOR": Group((21, 29), (4.5, 8.2), (74, 105), (0.52, 0.76), (27, 46), (0.45, 0.78)),
    "DCM": Group((27, 40), (4.5, 9), (85, 125), (0.75, 0.96), (24, 52), (0.50, 0.92)),
    "HCM": Group((19, 27), (6.5, 12), (72, 105), (0.35, 0.70), (24, 42), (0.40, 0.72), bump_mm=(0, 14)),
    "MINF": Group((22, 34), (4.5, 9), (75, 115), (0.60, 0.90), (22, 44), (0.42, 0.80), infarct=(0.3, 0.75)),
    "RV": Group((19, 27), (4.5, 8.5), (70, 100), (0.52, 0.80), (40, 66), (0.65, 0.97), flat=(0.0, 0.22)),
}


@dataclass(frozen=True)
class Shape:
    """One heart in one phase; angles in radians, image x to the right (the patient's left), y down, z to the base."""

    length_mm: float
    epi_mm: float
    wall_mm: float
    apex_mm: float
    widest: float
    roundness: float
    narrowing: float
    harmonics: tuple[tuple[float, float, float], ...]
    wall_harmonics: tuple[tuple[float, float], ...]
    apical_wall: float
    bump: tuple[float, float, float, float, float]
    infarct: tuple[float, float, float, float, float]
    drift_mm: tuple[float, float, float, float]
    septum: float
    flat: float
    right_mm: float
    right_half_angle: float
    right_apex: float
    right_power: float
    right_form: tuple[float, float, float]
    right_wall_mm: float
    mitral_tilt: tuple[float, float]
    tricuspid_mm: float
    tricuspid_tilt: float
    pulmonary_mm: float
    phase: float


# how far the tricuspid plane may lie above the mitral one (mm), and how far it may tilt
VALVES: dict[str, tuple[Range, Range]] = {"spread": ((-14.0, 8.0), (0.05, 0.6)), "near": ((-7.0, 9.0), (0.0, 0.3))}


def draw_shape(
    random: np.random.Generator, group: str | None = None, phase: float | None = None, valves: str = "spread"
) -> Shape:
    """Return a heart of a group (any when None) in a phase (0 end-diastole, 1 end-systole, drawn when None).

    ``valves`` names the ranges of the tricuspid plane (``VALVES``).
    """
    name = list(GROUPS)[int(random.integers(len(GROUPS)))] if group is None else group
    ranges = GROUPS[name]
    t = float(random.choice([0.0, 1.0, random.uniform()], p=[0.4, 0.42, 0.18])) if phase is None else phase
    u = random.uniform
    endo, wall, length = u(*ranges.endo_mm), u(*ranges.wall_mm), u(*ranges.length_mm)
    shorter = 1.0 - t * u(0.05, 0.22)
    endo_now = endo * (1.0 - t * (1.0 - u(*ranges.left_systole)))
    muscle = ((endo + wall) ** 2 - endo**2) / shorter * (1.0 + t * u(0.0, 0.12))
    epi_now = float(np.sqrt(endo_now**2 + muscle))
    bump = u(*ranges.bump_mm) * (1.0 + 0.3 * t) if u() < 0.75 else 0.0
    infarct = u(*ranges.infarct) if u() < 0.8 else 0.0
    septum = np.pi + u(-0.45, 0.35)
    right = u(*ranges.right_mm) * (1.0 - t * (1.0 - u(*ranges.right_systole)))
    apex = u(1.0, 5.0) + t * u(0.0, 6.0) + (t * u(0.0, 14.0) if name == "HCM" else 0.0)
    return Shape(
        length_mm=length * shorter,
        epi_mm=epi_now,
        wall_mm=epi_now - endo_now,
        apex_mm=apex,
        widest=u(0.5, 0.9),
        roundness=u(1.7, 2.6),
        narrowing=u(0.0, 0.15),
        harmonics=tuple((abs(random.normal(0, size)), u(0, 2 * np.pi), u(-0.6, 0.6)) for size in (0.045, 0.02, 0.012)),
        wall_harmonics=tuple((abs(random.normal(0, size)), u(0, 2 * np.pi)) for size in (0.10, 0.07, 0.05)),
        apical_wall=u(0.55, 1.15),
        bump=(bump, septum + random.normal(0, 0.7), u(0.5, 1.6), u(0.2, 0.9), u(0.2, 0.6)),
        infarct=(infarct, u(0, 2 * np.pi), u(0.4, 1.1), u(0.0, 0.8), u(0.2, 0.6)),
        drift_mm=tuple(random.normal(0, size) for size in (5.0, 5.0, 3.0, 3.0)),  # type: ignore[arg-type]
        septum=float(septum),
        flat=u(*ranges.flat),
        right_mm=right,
        right_half_angle=u(1.0, 1.6),
        right_apex=u(0.0, 0.30),
        right_power=u(0.35, 0.95),
        right_form=(u(1.6, 4.0), u(0.45, 0.95), u(-0.35, 0.35)),
        right_wall_mm=u(1.5, 4.0) + (u(0, 4) if u() < 0.15 else 0.0),
        mitral_tilt=(u(-0.22, 0.22), u(-0.22, 0.22)),
        tricuspid_mm=u(*VALVES[valves][0]),
        tricuspid_tilt=u(*VALVES[valves][1]),
        pulmonary_mm=u(-4.0, 18.0),
        phase=t,
    )
