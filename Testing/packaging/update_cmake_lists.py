"""Writes the file lists of every CMakeLists.txt from what lies in the folders: Slicer packages only what is listed.

Run it after files were added or removed: ``python Testing/packaging/update_cmake_lists.py``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGED = ("ThoraxAILib", "thoraxai", "LungNoduleAI", "CardiacBiomech", "Anonymizer")
SCRIPTS, RESOURCES = "MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"
NOT_PACKAGED = {"CMakeLists.txt", "README.md"}


def files_to_list(folder: Path) -> dict[str, list[str]]:
    """The files of one module folder that must reach Slicer, by the name of their list."""
    files = [path for path in folder.rglob("*") if path.is_file() and _is_packaged(path.relative_to(folder))]
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    return {
        SCRIPTS: [name for name in names if name.endswith(".py")],
        RESOURCES: [name for name in names if not name.endswith(".py")],
    }


def _is_packaged(path: Path) -> bool:
    hidden = any(part.startswith((".", "__pycache__")) for part in path.parts)
    return not hidden and path.name not in NOT_PACKAGED and path.suffix != ".pyc"


def listed_files(text: str, name: str) -> list[str]:
    """What the list ``name`` of a CMakeLists.txt holds."""
    return _pattern(name).search(text).group("files").split()


def with_lists(text: str, lists: dict[str, list[str]]) -> str:
    """The text of a CMakeLists.txt with its lists replaced."""
    for name, files in lists.items():
        body = "".join(f"  {file}\n" for file in files)
        text = _pattern(name).sub(lambda _match, name=name, body=body: f"set({name}\n{body}  )", text)
    return text


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"set\({name}\n(?P<files>.*?)  \)", re.DOTALL)


def main() -> int:
    """Update every list; says which files changed."""
    for module in PACKAGED:
        path = REPOSITORY / module / "CMakeLists.txt"
        before = path.read_text(encoding="utf-8")
        after = with_lists(before, files_to_list(path.parent))
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"updated {path.relative_to(REPOSITORY)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
