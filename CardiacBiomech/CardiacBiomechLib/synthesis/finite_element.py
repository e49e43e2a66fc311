"""A finite-element ventricle (felupe): a Neo-Hookean spheroid held at its base and inflated by pressure.

A second truth beside the analytic ventricle: here the motion is one that obeys elasticity, not a formula. felupe is
optional and imported inside functions. Lengths mm, pressures and moduli kPa.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ThoraxAILib.errors import MissingDependencyError
from ThoraxAILib.options import Options, option
from ThoraxAILib.registration.deformation.elasticity import determinant

APEX_GAP_RAD = 0.06  # the mesh leaves a small hole at the apex, where its cells would degenerate
CIRCUMFERENTIAL, LONGITUDINAL, RADIAL = 24, 12, 3


@dataclass(frozen=True)
class InflationOptions(Options):
    """Geometry and loading; ``steps`` of the pressure ramp (a single large step diverges)."""

    endo_mm: float = option(24.0, unit="mm", more_than=0)
    epi_mm: float = option(34.0, unit="mm", more_than=0)
    elongation: float = option(1.9, more_than=0)
    base_mm: float = option(25.0, unit="mm")
    mu_kpa: float = option(2.0, unit="kPa", more_than=0)
    kappa_kpa: float = option(20.0, unit="kPa", more_than=0)
    pressure_kpa: float = option(0.6, unit="kPa", at_least=0)
    steps: int = option(6, at_least=1)
    refinement: int = option(1, at_least=1)
    stiff_sector: int | None = option(None, "which of the sectors is stiffer, from 0", at_least=0)
    stiff_factor: float = option(4.0, "how much", more_than=0)
    sectors: int = option(6, "around the long axis", at_least=2)


@dataclass(frozen=True, eq=False)
class Inflation:
    """The solved ventricle: nodes and displacements in mm (n, 3); F (3, 3, q, cells), J and energy density at points.

    ``quadrature_mm`` (q, cells, 3) says where these points are; ``energy`` is the stored energy in kPa mm^3 (1e-6 J).
    ``shape_gradients`` (8, 3, q, cells) and ``volumes_mm3`` (q, cells) belong to the mesh; ``sectors`` (cells,).
    """

    points_mm: np.ndarray
    cells: np.ndarray
    displacement_mm: np.ndarray
    deformation_gradient: np.ndarray
    jacobian: np.ndarray
    energy_density_kpa: np.ndarray
    quadrature_mm: np.ndarray
    energy: float
    shape_gradients: np.ndarray
    volumes_mm3: np.ndarray
    sectors: np.ndarray

    def gradient_of(self, displacement_mm: np.ndarray) -> np.ndarray:
        """Return F (3, 3, q, cells) of other displacements (n, 3) of the nodes."""
        moved = np.einsum("cai,ajqc->ijqc", displacement_mm[self.cells], self.shape_gradients)
        return moved + np.eye(3)[:, :, None, None]


def sector_of(points_mm: np.ndarray, sectors: int) -> np.ndarray:
    """Return the sector (from 0) around the z axis in which points (..., 3) lie; the first begins at +x."""
    turn = np.mod(np.arctan2(points_mm[..., 1], points_mm[..., 0]), 2.0 * np.pi) / (2.0 * np.pi)
    return np.minimum((turn * sectors).astype(int), sectors - 1)


def inflate(options: InflationOptions | None = None) -> Inflation:
    """Solve the passive inflation of the ventricle; raises MissingDependencyError without felupe."""
    options = options or InflationOptions()
    felupe = _felupe()
    mesh = _mesh(felupe, options)
    region = felupe.RegionHexahedron(mesh)
    field = felupe.FieldContainer([felupe.Field(region, dim=3)])
    sectors = sector_of(mesh.points[mesh.cells].mean(axis=1), options.sectors)
    factor = (
        np.where(sectors == options.stiff_sector, options.stiff_factor, 1.0)
        if options.stiff_sector is not None
        else 1.0
    )
    material = felupe.NeoHooke(mu=options.mu_kpa * factor, bulk=options.kappa_kpa * factor)
    body = felupe.SolidBody(material, field)
    pressure = felupe.SolidBodyPressure(_inner_surface(felupe, mesh, options))
    base = np.abs(mesh.points[:, 2] - options.base_mm) < 1e-3
    ramp = np.linspace(0.0, options.pressure_kpa, options.steps + 1)[1:]
    step = felupe.Step(
        items=[body, pressure], ramp={pressure: ramp}, boundaries={"base": felupe.Boundary(field[0], mask=base)}
    )
    for _ in step.generate(x0=field, verbose=0):
        pass
    F = field.extract()[0]
    density = material.function([F, None])[0]
    positions = felupe.Field(region, dim=3, values=mesh.points).interpolate()
    return Inflation(
        mesh.points,
        mesh.cells,
        field[0].values.copy(),
        F.copy(),
        determinant(F),
        density,
        np.moveaxis(positions, 0, -1),
        float((density * region.dV).sum()),
        np.broadcast_to(region.dhdX, (*region.dhdX.shape[:3], len(mesh.cells))).copy(),
        np.broadcast_to(region.dV, (region.dV.shape[0], len(mesh.cells))).copy(),
        sectors,
    )


def _mesh(felupe, options: InflationOptions):
    """Return a block of hexahedra bent into a truncated spheroid."""
    n = options.refinement
    block = felupe.Cube(n=(RADIAL * n + 1, CIRCUMFERENTIAL * n + 1, LONGITUDINAL * n + 1))
    s = options.endo_mm + (options.epi_mm - options.endo_mm) * block.points[:, 0]
    around = 2.0 * np.pi * block.points[:, 1]
    apex = np.pi - APEX_GAP_RAD
    polar = apex - (apex - np.arccos(options.base_mm / (options.elongation * s))) * block.points[:, 2]
    points = np.stack(
        [
            s * np.sin(polar) * np.cos(around),
            s * np.sin(polar) * np.sin(around),
            options.elongation * s * np.cos(polar),
        ],
        1,
    )
    return felupe.Mesh(points, block.cells, "hexahedron").merge_duplicate_points(decimals=6)


def _inner_surface(felupe, mesh, options: InflationOptions):
    s = np.sqrt(mesh.points[:, 0] ** 2 + mesh.points[:, 1] ** 2 + (mesh.points[:, 2] / options.elongation) ** 2)
    region = felupe.RegionHexahedronBoundary(mesh, mask=np.abs(s - options.endo_mm) < 1e-3)
    return felupe.FieldContainer([felupe.Field(region, dim=3)])


def _felupe():
    try:
        import felupe
    except ImportError:
        raise MissingDependencyError(
            "The finite-element ventricle needs felupe: install it with pip install felupe."
        ) from None
    return felupe
