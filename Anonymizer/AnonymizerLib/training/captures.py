"""Invented captures: letters of many sizes, turns, contrasts and scripts drawn on backgrounds, with where they are.

Also drawn is what looks like writing and is none (scales, traces, grids, borders), so that a detector learns the
difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

NAMES = ("DOE", "JOHN", "Meyer", "Kowalska", "O'Brien", "Smith", "Nguyen", "Garcia", "ANDERSSON", "Rossi", "Lee")
FIRST = ("Anna", "JOHN", "Max", "Maria", "Wei", "OLGA", "Peter", "Fatima", "Luis", "Ida")
PLACES = ("Hospital", "Clinic", "GENERAL HOSPITAL", "Radiology", "St. Mary", "UNIV MED CTR", "Ward 3")
ALPHABETS = {
    "latin": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/-",
    "greek": "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρστυφχψω",
    "cyrillic": "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЭЮЯабвгдежзиклмнопрстуфхцчшщэюя",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "hebrew": "אבגדהוזחטיכלמנסעפצקרשת",
    "han": "王李张刘陈杨赵黄周吴山田中佐藤鈴木高橋渡辺伊東京病院男女年月日",
    "kana": "アイウエオカキクケコサシスセソタチツテトナニヌネノあいうえおかきくけこ",
}
FEWEST_VISIBLE = 9.0  # gray levels of 255 between a letter and its ground: less is not read by people either
VISIBLE_STD = 2.0  # and so many standard deviations of the ground's own grain


@dataclass(frozen=True)
class Writing:
    """One line of drawn text: what it says, its script and height in pixels, turn in degrees, contrast in gray."""

    text: str
    script: str
    size: int
    turn: float
    contrast: float


@dataclass(frozen=True, eq=False)
class Capture:
    """A picture, uint8 (rows, columns), one entry per line of text, and the number of the line at each of its letters'
    pixels (int16, same shape; 0 where there are none, 1 for the first line)."""

    picture: np.ndarray
    letters: np.ndarray
    writings: tuple[Writing, ...]


def invented_line(random: np.random.Generator, script: str) -> str:
    """Write a line as devices do: a name, a date, a number, a hospital, or letters at random in other scripts."""
    if script != "latin":
        letters = ALPHABETS[script]
        words = [
            "".join(random.choice(list(letters), int(random.integers(2, 7)))) for _ in range(int(random.integers(1, 4)))
        ]
        return " ".join(words)
    day, month, year = (int(random.integers(low, high)) for low, high in ((1, 29), (1, 13), (1920, 2024)))
    kind = int(random.integers(0, 9))
    if kind == 0:
        return f"{random.choice(NAMES)}, {random.choice(FIRST)}"
    if kind == 1:
        return f"{random.choice(NAMES)}^{random.choice(FIRST)} {day:02d}.{month:02d}.{year}"
    if kind == 2:
        return f"{day:02d}/{month:02d}/{year}"
    if kind == 3:
        return f"ID: {random.integers(1000, 99999999)}"
    if kind == 4:
        return str(random.choice(PLACES))
    if kind == 5:
        return f"{year}-{month:02d}-{day:02d} {random.integers(0, 24):02d}:{random.integers(0, 60):02d}"
    if kind == 6:
        return f"{random.choice(FIRST)} {random.choice(NAMES)}".upper()
    if kind == 7:
        return " ".join(str(random.choice(NAMES)).upper())
    characters = list(ALPHABETS["latin"])
    return "".join(random.choice(characters, int(random.integers(2, 14))))


class Letters:
    """Draws lines of text as coverage pictures; fonts are found by script."""

    def __init__(self, fonts: Mapping[str, Sequence[Path]]) -> None:
        self.fonts = {script: list(paths) for script, paths in fonts.items() if paths}

    @property
    def scripts(self) -> list[str]:
        """The scripts that have a font here."""
        return sorted(self.fonts)

    def draw(self, text: str, script: str, size: int, random: np.random.Generator) -> np.ndarray:
        """Coverage 0..1 of a line of text, cropped to its letters; sometimes without smoothing, as devices draw."""
        from PIL import Image, ImageDraw

        font = self._font(script, size, random)
        left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), text, font=font)
        image = Image.new("L", (max(int(right - left), 1) + 2, max(int(bottom - top), 1) + 2))
        pen = ImageDraw.Draw(image)
        pen.fontmode = "1" if random.random() < 0.35 else "L"
        pen.text((1 - left, 1 - top), text, fill=255, font=font)
        cover: np.ndarray = np.asarray(image, np.float32) / 255
        if script == "bitmap":
            times = max(round(size / 11), 1)
            cover = np.kron(cover, np.ones((times, times), np.float32))
        return cover

    def _font(
        self, script: str, size: int, random: np.random.Generator
    ) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        from PIL import ImageFont

        if script == "bitmap":
            return ImageFont.load_default_imagefont()
        path = self.fonts[script][int(random.integers(0, len(self.fonts[script])))]
        return ImageFont.truetype(str(path), size) if path.name else ImageFont.load_default(size)


def turned(cover: np.ndarray, degrees: float) -> np.ndarray:
    """Turn a coverage picture counterclockwise; quarter turns exactly."""
    if degrees % 90 == 0:
        return np.rot90(cover, int(degrees // 90) % 4)
    return np.clip(ndimage.rotate(cover, degrees, order=1), 0, 1)


def write_into(
    picture: np.ndarray,
    letters: np.ndarray,
    cover: np.ndarray,
    number: int,
    random: np.random.Generator,
    contrast: float | None,
) -> float | None:
    """Draw a coverage picture into a float picture (0..255) at a free place; the contrast, None when there is none.

    ``letters`` gets the ``number`` where it covers. Without a given ``contrast`` it is anything from barely visible to
    full.
    """
    rows, columns = picture.shape
    height, width = cover.shape
    if height + 4 >= rows or width + 4 >= columns:
        return None
    for _ in range(12):
        top, left = int(random.integers(1, rows - height - 1)), int(random.integers(1, columns - width - 1))
        where = slice(top, top + height), slice(left, left + width)
        if not letters[where].any():
            break
    else:
        return None
    ground = picture[where]
    grain = float((ground - ndimage.uniform_filter(ground, 11)).std())
    least = max(FEWEST_VISIBLE, VISIBLE_STD * grain)
    middle = float(np.median(ground))
    room = {1: 255 - middle, -1: middle}
    sign = 1 if random.random() < 0.75 else -1
    if room[sign] < least:
        sign = -sign
    if room[sign] < least:
        return None
    if contrast is None:
        contrast = float(least + (room[sign] - least) * random.random() ** 1.7)
    contrast = min(max(contrast, least), room[sign])
    if random.random() < 0.1:  # a box of its own under the letters
        ground = np.full_like(ground, middle)
    value = np.full_like(ground, middle + sign * contrast) if random.random() < 0.8 else ground + sign * contrast
    picture[where] = np.clip(ground * (1 - cover) + value * cover, 0, 255)
    letters[where][cover > 0.25] = number
    return contrast


def clutter(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw things that are no writing into the picture: lines, traces, ticks, grids, ellipses, blocks, wedges."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(int(random.integers(0, 5))):
        _draw_thing(pen, image.size, random)
    return np.asarray(image, np.float32)


def _draw_thing(pen: ImageDraw.ImageDraw, size: tuple[int, int], random: np.random.Generator) -> None:
    width, height = size
    value = int(random.integers(0, 256))
    kind = int(random.integers(0, 8))
    x, y = int(random.integers(0, width)), int(random.integers(0, height))
    length = int(random.integers(10, max(width // 2, 11)))
    if kind == 0:
        pen.line([x, y, int(random.integers(0, width)), int(random.integers(0, height))], value, 1 + x % 3)
    elif kind == 1:  # a curve as of an electrocardiogram
        steps = np.arange(0, length, 2)
        heights = np.cumsum(random.normal(0, 2, steps.size)) + 12 * (random.random(steps.size) > 0.95)
        pen.line([(x + int(s), y + int(h)) for s, h in zip(steps, heights, strict=True)], value)
    elif kind == 2:  # a scale with ticks
        step = int(random.integers(4, 30))
        upright = random.random() < 0.5
        for position in range(0, length, step):
            tick = int(random.integers(2, 4)) * 2
            pen.line(
                [x, y + position, x + tick, y + position] if upright else [x + position, y, x + position, y + tick],
                value,
            )
    elif kind == 3:
        box = [x, y, x + length, y + int(random.integers(10, max(height // 2, 11)))]
        pen.ellipse(box, outline=value, width=1 + x % 2)
    elif kind == 4:
        box = [x, y, x + length, y + int(random.integers(4, max(height // 3, 5)))]
        pen.rectangle(box, outline=value, fill=value if random.random() < 0.6 else None)
    elif kind == 5:  # a gray wedge
        for step in range(length):
            shade = int(255 * step / length)
            pen.line([x, y + step, x + 12, y + step], shade)
    elif kind == 6:  # dots of a caliper
        for step in range(0, length, 6):
            pen.point([x + step, y + step // 2], value)
    else:  # an arrowhead or a cross
        pen.line([x - 5, y, x + 5, y], value)
        pen.line([x, y - 5, x, y + 5], value)


def procedural_ground(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Invent a ground, 0..255: flat, sloping, cloudy, speckled like ultrasound, or striped."""
    rows, columns = shape
    kind = int(random.integers(0, 8))
    base, spread = random.uniform(0, 200), random.uniform(10, 120)
    if kind == 0:
        ground = np.full(shape, random.choice([0.0, 255.0, base]))
    elif kind == 1:
        down, across = np.mgrid[0:rows, 0:columns]
        ground = base + spread * (down * random.normal() + across * random.normal()) / max(shape)
    elif kind in (2, 3):
        ground = base + spread * _smooth(random, shape, random.uniform(2, 40))
    elif kind in (4, 6, 7):
        widths = (random.uniform(0.5, 1.8), random.uniform(1, 5))
        if random.random() < 0.4:
            widths = widths[::-1]
        speckle = ndimage.gaussian_filter(random.rayleigh(1.0, shape), widths)
        shade = np.clip(0.7 + random.uniform(0.3, 1.0) * _smooth(random, shape, random.uniform(4, 30)), 0, 3)
        ground = 60 * (speckle / speckle.mean()) ** random.uniform(1, 3) * shade
        if kind == 7:  # bright layers, as of fasciae and vessel walls
            layers = _smooth(random, shape, (random.uniform(1, 3), random.uniform(8, 30)))
            ground = ground + random.uniform(20, 90) * np.clip(layers - 0.8, 0, 2)
        if random.random() < 0.6:
            ground *= _fan(random, shape)
    else:
        down, across = np.mgrid[0:rows, 0:columns]
        angle, period = random.uniform(0, np.pi), random.uniform(5, 60)
        ground = base + spread * np.sin((down * np.cos(angle) + across * np.sin(angle)) * 2 * np.pi / period)
    if random.random() < 0.5:
        ground = ground + random.normal(0, random.uniform(0.5, 12), shape)
    return np.clip(ground, 0, 255).astype(np.float32)


def _smooth(random: np.random.Generator, shape: tuple[int, int], sigma: float | tuple[float, float]) -> np.ndarray:
    noise = ndimage.gaussian_filter(random.normal(size=shape), sigma)
    return noise / max(float(noise.std()), 1e-6)


def _fan(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    down, across = np.mgrid[0 : shape[0], 0 : shape[1]]
    top, middle = -random.uniform(0, shape[0] / 4), shape[1] * random.uniform(0.3, 0.7)
    radius = np.hypot(down - top, across - middle)
    angle = np.abs(np.arctan2(across - middle, down - top))
    return (angle < random.uniform(0.4, 0.9)) & (radius < shape[0] * random.uniform(0.7, 1.1))


def make_capture(
    ground: np.ndarray,
    letters: Letters,
    random: np.random.Generator,
    lines: int,
    sizes: tuple[int, int] = (8, 34),
    turn_of: Callable[[np.random.Generator], float] | None = None,
    contrast_of: Callable[[np.random.Generator], float | None] | None = None,
) -> Capture:
    """Draw lines of text on a ground (0..255, any number type); a part is blurred or went through JPEG."""
    picture = clutter(np.clip(ground, 0, 255), random)
    marks = np.zeros(picture.shape, np.int16)
    writings: list[Writing] = []
    for _ in range(lines):
        script = str(random.choice(letters.scripts, p=_weights(letters.scripts)))
        size = int(np.exp(random.uniform(*np.log(sizes))))
        text = invented_line(random, "latin" if script == "bitmap" else script)
        turn = turn_of(random) if turn_of else usual_turn(random)
        cover = turned(letters.draw(text, script, size, random), turn)
        wished = contrast_of(random) if contrast_of else None
        contrast = write_into(picture, marks, cover, len(writings) + 1, random, wished)
        if contrast is not None:
            writings.append(Writing(text, script, size, turn, contrast))
    if random.random() < 0.2:
        picture = ndimage.gaussian_filter(picture, random.uniform(0.3, 0.7))
    stored = np.clip(np.round(picture), 0, 255).astype(np.uint8)
    if random.random() < 0.3:
        stored = _through_jpeg(stored, int(random.integers(50, 96)))
    return Capture(stored, marks, tuple(writings))


def usual_turn(random: np.random.Generator) -> float:
    """Mostly upright, often a quarter turn, sometimes anything."""
    if random.random() < 0.2:
        return float(random.uniform(0, 360))
    return float(random.choice([0, 90, 180, 270], p=[0.55, 0.17, 0.11, 0.17]))


def _weights(scripts: list[str]) -> np.ndarray:
    weights = np.array([6.0 if script == "latin" else 2.0 if script == "bitmap" else 1.0 for script in scripts])
    return weights / weights.sum()


def _through_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    from PIL import Image

    stream = BytesIO()
    image: Image.Image = Image.fromarray(picture)
    image.save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(BytesIO(stream.getvalue())))
