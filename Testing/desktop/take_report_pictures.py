"""Takes the pictures of reports in the tutorials: parts of the HTML of finished runs, drawn by Chromium.

``python Testing/desktop/take_report_pictures.py [--lung DIR] [--pair DIR] [--follow-up DIR] [--to FOLDER]``: DIR is
what ``thoraxai lung analyze`` wrote of the sample (with an exam), what ``lung follow-up`` wrote of the sample pair, and
of the harder pair of the tutorial. Needs ``chromium`` on the path.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
WIDTH, TALLEST, MARGIN = 1000, 6000, 16
SECTION, ARTICLE, ROW = (re.compile(rf"<{tag}\b.*?</{tag}>", re.DOTALL) for tag in ("section", "article", "tr"))


@dataclass(frozen=True)
class Part:
    """What of a report a picture shows: sections by how their titles begin (all without any), rows or cards of each.

    ``with_head`` keeps title and first lines of the page.
    """

    report: str
    sections: tuple[str, ...]
    rows: int | None = None
    cards: tuple[int, ...] | None = None
    with_head: bool = False


PICTURES = {
    "lung_report.png": Part("lung", ("Impression", "Findings", "Overview"), with_head=True),
    "lung_guidelines.png": Part("lung", ("Guidelines",), rows=5),
    "follow_up_pairs.png": Part("pair", ("Pairs",)),
    "follow_up_pair.png": Part("follow_up", ("Each pair",), cards=(1, 3)),
}


def main() -> int:
    """Take the pictures of the runs that were given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--lung", "--pair", "--follow-up"):
        parser.add_argument(name, type=Path, metavar="DIR")
    parser.add_argument("--to", type=Path, default=FOLDER, metavar="FOLDER")
    arguments = parser.parse_args()
    if shutil.which("chromium") is None:
        parser.error("chromium is not installed: it draws the pages")
    for name, part in PICTURES.items():
        run = getattr(arguments, part.report)
        if run is not None:
            html = (run / "report.html").read_text(encoding="utf-8")
            take(shown(html, part), arguments.to / name)
    return 0


def shown(html: str, part: Part) -> str:
    """Return the page with nothing but the part."""
    found = SECTION.findall(html)
    kept = [text for text in found if not part.sections or any(f"<h2>{title}" in text for title in part.sections)]
    if len(kept) < len(part.sections):
        raise ValueError(f"the report has no section {' or '.join(part.sections)}")
    body = "\n".join(_shortened(text, part) for text in kept)
    start, end = html.index(found[0]), html.rindex(found[-1]) + len(found[-1])
    head = html[:start] if part.with_head else html[: html.index("<body")] + "<body>"
    return head + body + ("" if part.with_head else "</body></html>") + (html[end:] if part.with_head else "")


def _shortened(section: str, part: Part) -> str:
    if part.cards is not None:
        cards = ARTICLE.findall(section)
        return "\n".join(cards[number] for number in part.cards)
    for row in ROW.findall(section)[1 + part.rows :] if part.rows is not None else ():
        section = section.replace(row, "", 1)
    return section


def take(html: str, picture: Path) -> None:
    """Draw a page, cut off what is white, and save it."""
    with tempfile.TemporaryDirectory() as name:
        page, drawn = Path(name) / "page.html", Path(name) / "page.png"
        page.write_text(html, encoding="utf-8")
        options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
        size, to = f"--window-size={WIDTH},{TALLEST}", f"--screenshot={drawn}"
        subprocess.run(["chromium", *options, size, to, page.as_uri()], check=True, capture_output=True)
        image = Image.open(drawn).convert("RGB")
        white = Image.new("RGB", image.size, image.getpixel((0, 0)))
        left, top, right, bottom = ImageChops.difference(image, white).getbbox()
        box = (max(left - MARGIN, 0), max(top - MARGIN, 0), min(right + MARGIN, image.width), bottom + MARGIN)
        image.crop(box).save(picture)
        print(f"{picture.name}: {box[2] - box[0]} x {box[3] - box[1]}")


if __name__ == "__main__":
    sys.exit(main())
