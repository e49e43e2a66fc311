"""Bodies that are no chest: an abdomen with bowel gas, a head with sinuses and mastoid air, a knee."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from LungNoduleAILib.synthesis.body.canvas import Canvas
from LungNoduleAILib.synthesis.model.body import Body, check_request
from LungNoduleAILib.synthesis.model.structures import AORTA, OTHER_BONE, SPINE
from ThoraxAILib.errors import InputError

_AIR, _FAT, _MUSCLE = -1000.0, -100.0, 52.0


def make_other_body(
    seed: int, kind: str, spacing_mm: tuple[float, float, float] = (1.25, 1.25, 1.25), setting: str = "training"
) -> Body:
    """Return an abdomen, head or knee of a seed; no lungs in ``labels``, ``is_chest`` False.

    In the held-out setting sections, proportions and gas follow another model. Raises InputError for an unknown kind.
    """
    check_request(seed, setting, spacing_mm)
    if kind not in OTHER_KINDS:
        raise InputError(f"The kind of body '{kind}' is not known: use one of {', '.join(OTHER_KINDS)}.")
    rng = np.random.default_rng([seed, 31, zlib.crc32(f"{kind} {setting}".encode())])
    canvas = OTHER_KINDS[kind](rng, setting == "held-out")
    grid, hu, structures = canvas.rendered(spacing_mm)
    labels, patterns = (np.zeros(grid.shape_kji, dtype=np.uint8) for _ in range(2))
    return Body(seed, setting, grid, hu, labels, structures, patterns, (), is_chest=False)


def _section(
    canvas: Canvas, wide: float | np.floating | np.ndarray, deep: float | np.floating | np.ndarray, held_out: bool
) -> np.ndarray:
    """Signed distance to an outline about the S axis: a superellipse, or waves around an ellipse when held out."""
    r, a, rng = canvas.r, canvas.a, canvas.rng
    if not held_out:
        power = np.float32(rng.uniform(2.1, 2.8))
        ratio = (np.abs(r / wide) ** power + np.abs(a / deep) ** power) ** np.float32(1 / power)
    else:
        angle = np.arctan2(a / deep, r / wide)
        waves = sum(rng.uniform(-0.04, 0.04) * np.cos(n * angle + rng.uniform(0, 6.3)) for n in (2, 3, 4))
        ratio = np.hypot(r / wide, a / deep) / (1 + waves)
    return ((ratio - 1) * min(np.min(wide), np.min(deep))).astype(np.float32)


def _abdomen(rng: np.random.Generator, held_out: bool) -> Canvas:
    """From the diaphragm or below it to the pelvis."""
    fat = float(rng.gamma(2.2, 9)) + 4
    wide, deep = rng.uniform(135, 160) + 0.6 * fat, rng.uniform(88, 112) + 0.7 * fat
    length = float(rng.uniform(180, 420))
    canvas = Canvas((-wide - 25, -deep - 40, -length), (wide + 25, deep + 25, 0), rng)
    skin = _section(canvas, np.float32(wide), np.float32(deep), held_out)
    _table(canvas, -deep - 6)
    texture = canvas.texture
    canvas.fill(skin, _FAT + 5 * texture)
    canvas.fill(skin + fat, np.where(texture > 0.9, _FAT, _MUSCLE) + 4 * texture)
    inner = np.maximum(skin + fat + rng.uniform(9, 18), -canvas.a - deep * rng.uniform(0.55, 0.7))
    canvas.fill(inner, np.float32(-95) + 8 * texture)
    bright = float(rng.uniform(0, 60)) if rng.random() < 0.5 else 0.0
    _organs(canvas, inner, bright, wide, deep)
    _spine(canvas, -0.45 * deep)
    aorta = canvas.tube(
        [(-14, -0.18 * deep, 0), (-8, -0.16 * deep, -0.6 * length), (-4, -0.14 * deep, -length)],
        float(rng.uniform(8, 13)),
    )
    canvas.fill(aorta, 42 + 2.4 * bright, AORTA)
    canvas.fill(canvas.tube([(18, -0.12 * deep, 0), (16, -0.14 * deep, -length)], 11.0), 42 + 1.6 * bright)
    _bowel(canvas, inner, wide, deep, length, held_out)
    if length > 280:
        _pelvis(canvas, wide, deep, length)
    return canvas


def _organs(canvas: Canvas, inner: np.ndarray, bright: float, wide: float, deep: float) -> None:
    """Liver, spleen, kidneys, stomach with its gas."""
    rng, within = canvas.rng, inner < 0
    top = float(rng.uniform(-10, 70))
    liver = canvas.ellipsoid((0.5 * wide, 0.05 * deep, top - 90), (0.62 * wide, 0.85 * deep, rng.uniform(75, 110)))
    canvas.fill(liver + 5 * canvas.texture, 58 + bright + 2 * canvas.texture, only=within)
    spleen = canvas.ellipsoid((-0.62 * wide, -0.35 * deep, top - 85), (32, 45, rng.uniform(40, 62)))
    canvas.fill(spleen, 48 + 1.2 * bright, only=within)
    for side in (-1, 1):
        kidney = canvas.ellipsoid((side * 0.42 * wide, -0.42 * deep, top - 165 + 8 * side), (26, 24, 52))
        canvas.fill(kidney, 32 + 2.2 * bright, only=within)
        canvas.fill(kidney + 15, np.float32(-60), only=within)
    at = (-0.35 * wide, 0.25 * deep, top - rng.uniform(70, 110))
    stomach = canvas.ellipsoid(at, (rng.uniform(28, 50), rng.uniform(25, 42), rng.uniform(30, 52)))
    canvas.fill(stomach, np.float32(40), only=within)
    canvas.fill(stomach + 4, np.float32(rng.uniform(5, 30)), only=within)
    canvas.fill(np.maximum(stomach + 4, at[1] + rng.uniform(-10, 25) - canvas.a), np.float32(-950), only=within)


def _bowel(canvas: Canvas, inner: np.ndarray, wide: float, deep: float, length: float, held_out: bool) -> None:
    """Loops with gas, content or contrast agent; when held out as chains of bubbles instead of tubes."""
    rng, within = canvas.rng, inner < -3
    for _ in range(int(rng.integers(6, 18))):
        start = np.array([rng.uniform(-0.6, 0.6) * wide, rng.uniform(-0.15, 0.55) * deep, rng.uniform(-length, -60)])
        steps = rng.normal(0, (22, 10, 20), (int(rng.integers(3, 9)), 3))
        path = start + np.cumsum(np.concatenate([np.zeros((1, 3)), steps]), axis=0)
        radius = rng.uniform(7, 22, len(path) - 1)
        if held_out:
            bubbles = [canvas.ellipsoid(at, (size, size, size)) for at, size in zip(path[1:], radius, strict=True)]
            loop = np.min(bubbles, axis=0)
        else:
            loop = canvas.tube(path, radius)
        canvas.fill(loop - 2.5, np.float32(38), only=within)
        content = rng.choice([-930.0, 20.0, -60.0, 320.0], p=[0.5, 0.3, 0.15, 0.05])
        if content < -900 and rng.random() < 0.5:  # gas over fluid
            canvas.fill(loop, np.float32(15), only=within)
            loop = np.maximum(loop, path[:, 1].mean() - canvas.a)
        canvas.fill(loop, np.float32(content), only=within)


def _spine(canvas: Canvas, center_a: float, wide: float = 22.0) -> None:
    """Vertebral bodies with discs, canal, and the processes behind."""
    phase = np.abs((canvas.s / 32) % 1 - 0.5) * 2
    body = (np.hypot(canvas.r / wide, (canvas.a - center_a) / (0.75 * wide)) - 1) * 0.75 * wide
    marrow = np.where(body < -2.5, np.float32(170), np.float32(450))
    canvas.fill(body, np.where(phase > 0.8, np.float32(90), marrow), SPINE)
    arch = np.hypot(canvas.r, canvas.a - center_a + 1.25 * wide) - 13
    canvas.fill(np.maximum(arch, phase - 0.75), np.float32(400), SPINE)
    spinous = np.maximum(np.abs(canvas.r) - 3.5, np.abs(canvas.a - center_a + 2.2 * wide) - 14)
    canvas.fill(np.maximum(spinous, 12 * (phase - 0.5)), np.float32(350), SPINE)
    canvas.fill(np.hypot(canvas.r, canvas.a - center_a + 1.25 * wide) - 8, np.float32(20), SPINE)


def _pelvis(canvas: Canvas, wide: float, deep: float, length: float) -> None:
    """Iliac wings and the sacrum's sides."""
    for side in (-1, 1):
        for part in np.linspace(0, 1, 9):
            rim = (side * (0.35 + 0.42 * part) * wide, (-0.5 + 0.75 * part) * deep, -length + 95 - 30 * part)
            canvas.fill(canvas.tube([rim, (side * 0.5 * wide, -0.15 * deep, -length + 5)], 4.5), 420.0, OTHER_BONE)


def _table(canvas: Canvas, top_a: float) -> None:
    """Draw a couch below the body."""
    thick = float(canvas.rng.uniform(10, 28))
    shell = np.abs(np.abs(canvas.a - top_a + thick / 2) - thick / 2) - 1.5
    canvas.fill(np.maximum(shell, np.abs(canvas.r) - 200), np.float32(-300), 0)


def _head(rng: np.random.Generator, held_out: bool) -> Canvas:
    """Skull with brain, orbits, sinuses, mastoid cells, pharynx and the upper neck."""
    wide, deep, tall = rng.uniform(68, 82), rng.uniform(88, 104), rng.uniform(82, 98)
    bottom = -float(rng.uniform(60, 190))
    canvas = Canvas((-125, -130, bottom), (125, 130, tall + 18), rng, turn_degrees=20)
    skull = canvas.ellipsoid((0, -8, 0), (wide, deep, tall))
    face = canvas.ellipsoid((0, 42, -70), (0.75 * wide, 52, 62))
    neck = np.maximum(
        _section(canvas, np.float32(rng.uniform(52, 70)), np.float32(rng.uniform(50, 66)), held_out), canvas.s + 60
    )
    scalp = np.minimum(np.minimum(skull - rng.uniform(4, 9), face), neck)
    canvas.fill(scalp, np.where(canvas.texture > 0.2, np.float32(-70), np.float32(45)))
    canvas.fill(neck + rng.uniform(4, 14), np.where(canvas.texture > 0.9, np.float32(_FAT), np.float32(_MUSCLE)))
    canvas.fill(skull, 900 + 90 * canvas.texture, OTHER_BONE)
    brain = skull + rng.uniform(5, 9)
    canvas.fill(brain, np.float32(34) + 5 * canvas.texture)
    for side in (-1, 1):
        canvas.fill(canvas.ellipsoid((side * 12, -6, 14), (7, 28, 9)), np.float32(6))
        _side_of_head(canvas, side)
    _midface(canvas)
    airway = [(0, 38, -66), (0, 8, -78), (0, 6, -120), (0, 12, bottom - 5)]
    canvas.fill(canvas.tube(airway, float(rng.uniform(6, 10))), np.float32(_AIR))
    spine_only = canvas.s < -62
    saved, labels = canvas.hu.copy(), canvas.structures.copy()
    _spine(canvas, -14.0, 11.0)
    canvas.hu = np.where(spine_only, canvas.hu, saved)
    canvas.structures = np.where(spine_only, canvas.structures, labels)
    return canvas


def _side_of_head(canvas: Canvas, side: int) -> None:
    """Orbit, maxillary and frontal sinus, mastoid cells and the jaw of one side."""
    rng = canvas.rng
    canvas.fill(canvas.ellipsoid((side * 32, 66, -34), (17, 24, 16)), np.float32(-80))
    canvas.fill(canvas.ellipsoid((side * 32, 74, -34), (12, 12, 12)), np.float32(15))
    sinus = canvas.ellipsoid((side * 28, 58, -66), (rng.uniform(10, 17), rng.uniform(12, 19), rng.uniform(12, 20)))
    canvas.fill(sinus - 2, 600.0, OTHER_BONE)
    canvas.fill(sinus, np.float32(_AIR if rng.random() < 0.85 else 25))
    canvas.fill(canvas.ellipsoid((side * 14, 74, -8), (10, 6, rng.uniform(6, 16))), np.float32(-980))
    mastoid = canvas.ellipsoid((side * 52, -22, -52), (14, 16, rng.uniform(14, 22)))
    canvas.fill(mastoid - 2, 650.0, OTHER_BONE)
    cells = np.sin(canvas.r * 1.1) * np.sin(canvas.a * 1.0) * np.sin(canvas.s * 0.9 + 2 * canvas.texture)
    canvas.fill(mastoid, np.where(np.abs(cells) > 0.14, np.float32(-880), np.float32(350)))
    canvas.fill(canvas.tube([(side * 62, -10, -48), (side * 40, -10, -48)], 3.5), np.float32(_AIR))
    jaw = [(side * 48, 4, -62), (side * 46, 12, -100), (side * 30, 58, -112), (0, 78, -112)]
    canvas.fill(canvas.tube(jaw, 6.5), 800.0, OTHER_BONE)


def _midface(canvas: Canvas) -> None:
    """Nasal cavity with septum, ethmoid and sphenoid air, teeth."""
    rng = canvas.rng
    cavity = canvas.ellipsoid((0, 66, -62), (13, 34, 24))
    turbinates = np.sin(canvas.s * 0.42) * np.cos(canvas.r * 0.3)
    canvas.fill(
        cavity,
        np.where(np.abs(canvas.r) < 1.6, np.float32(60), np.where(turbinates > 0.45, np.float32(30), np.float32(-960))),
    )
    ethmoid = canvas.ellipsoid((0, 58, -32), (13, 22, 10))
    canvas.fill(
        ethmoid,
        np.where(np.abs(np.sin(canvas.r * 0.6) * np.sin(canvas.a * 0.5)) > 0.2, np.float32(-950), np.float32(200)),
    )
    canvas.fill(canvas.ellipsoid((0, 22, -44), (13, 12, 10)), np.float32(-980))
    turn = np.linspace(-1.2, 1.2, 13)
    for level in (-88, -97):
        arch = np.stack([26 * np.sin(turn), 48 + 28 * np.cos(turn), np.full(13, float(level))], axis=1)
        canvas.fill(canvas.tube(arch, 4.5), float(rng.uniform(1200, 2200)), OTHER_BONE)


def _knee(rng: np.random.Generator, held_out: bool) -> Canvas:
    """One knee or both, in air."""
    both = rng.random() < 0.6
    apart = float(rng.uniform(70, 105)) if both else 0.0
    length = float(rng.uniform(90, 190))
    canvas = Canvas((-apart - 95, -110, -length), (apart + 95, 100, length), rng)
    _table(canvas, -88.0)
    for side in (-1, 1) if both else (1,):
        _leg(canvas, side * apart, side, length, held_out)
    return canvas


def _leg(canvas: Canvas, at: float, side: int, length: float, held_out: bool) -> None:
    """Skin, muscle, femur, tibia, fibula, patella and the joint between them."""
    rng = canvas.rng
    whole = canvas.r
    canvas.r = whole - np.float32(at)
    size = rng.uniform(46, 66) + 0.12 * np.clip(canvas.s, -60, 120)
    skin = _section(canvas, size, size * rng.uniform(0.95, 1.1), held_out)
    fat = float(rng.uniform(4, 18))
    canvas.fill(skin, _FAT + 5 * canvas.texture)
    near_joint = 16 * np.exp(-((canvas.s / 40) ** 2))
    muscle = np.where(np.abs(canvas.texture - 0.3) < 0.12, np.float32(-60), np.float32(_MUSCLE))
    canvas.fill(skin + fat + near_joint, muscle)
    end = np.exp(-(((np.abs(canvas.s) - 16) / 22) ** 2))
    femur = np.maximum(np.hypot(canvas.r / (1 + 1.3 * end), canvas.a / (1 + 0.7 * end)) - 14, 3 - canvas.s)
    tibia = np.maximum(np.hypot(canvas.r / (1 + 1.4 * end), (canvas.a + 2) / (1 + 0.6 * end)) - 13, canvas.s + 3)
    for bone in (femur, tibia):
        inner = np.where(end > 0.3, np.float32(250), np.float32(-40))
        canvas.fill(bone, np.where(bone < -4, inner, np.float32(950)), OTHER_BONE)
    canvas.fill(canvas.ellipsoid((0, 44, 12), (21, 9, 22)), 500.0, OTHER_BONE)
    canvas.r = whole
    fibula = [(at + side * 34, -14, -14), (at + side * 30, -16, -length)]
    canvas.fill(canvas.tube(fibula, 6.0), 700.0, OTHER_BONE)
    for _ in range(3):
        vein = [(at + rng.uniform(-20, 20), rng.uniform(-50, -25), level) for level in (length, 0, -length)]
        canvas.fill(canvas.tube(vein, 3.5), np.float32(45))


OTHER_KINDS: dict[str, Callable[[np.random.Generator, bool], Canvas]] = {
    "abdomen": _abdomen,
    "head": _head,
    "knee": _knee,
}
