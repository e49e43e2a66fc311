"""What the README shows can be run as it stands, and the messages it explains exist."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from LungNoduleAILib.synthesis.truth import CT_FILE, write_phantom
from ThoraxAILib.cli.main import build_parser

SLICER_CONSOLE = "getNode"
LOAD_CT = """
from pathlib import Path
from ThoraxAILib.io import read_volume
from ThoraxAILib.scene import host
slicer = host.install()
from ThoraxAILib.scene.volumes import nodeFromVolume
nodeFromVolume(read_volume(Path("sample/ct.nrrd")), "ct")
"""


@pytest.fixture(scope="module")
def readme(repository) -> str:
    """The text of README.md."""
    return (repository / "README.md").read_text(encoding="utf-8")


def blocks(readme: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL)


@pytest.fixture
def sample_folder(small_chest, tmp_path) -> Path:
    """A folder with the sample under the name the README gives it."""
    write_phantom(small_chest, tmp_path / "sample")
    assert (tmp_path / "sample" / CT_FILE).is_file()
    return tmp_path


def run(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_python_example_is_at_most_four_lines_and_writes_the_files_of_the_command(readme, sample_folder):
    first = blocks(readme, "python")[0]
    assert 1 < len(first.splitlines()) <= 4
    run(first, sample_folder)
    assert {"findings.json", "report.html", "run.json"} <= {path.name for path in (sample_folder / "result").iterdir()}


def test_the_plain_python_examples_run_one_after_the_other(readme, sample_folder):
    pytest.importorskip("slicer")
    code = "\n".join(block for block in blocks(readme, "python") if SLICER_CONSOLE not in block)
    told = run(code, sample_folder)
    assert "Nodule_01 (" in told
    assert told.splitlines()[-1] == "Lung nodules segmentation"


def test_the_console_example_runs(readme, sample_folder):
    pytest.importorskip("slicer")
    (code,) = (block for block in blocks(readme, "python") if SLICER_CONSOLE in block)
    assert int(run(LOAD_CT + code, sample_folder)) > 0


def test_the_shown_commands_are_understood(readme):
    lines = [line.split("#")[0].split() for block in blocks(readme, "sh") for line in block.splitlines()]
    shown = [line[1:] for line in lines if line and line[0] == "thoraxai"]
    assert shown
    for arguments in shown:
        assert callable(build_parser().parse_args(arguments).run)


def test_every_explained_message_is_one_the_program_says(readme, repository):
    section = readme.split("## Troubleshooting")[1].split("\n## ")[0]
    messages = re.findall(r"^\| `(.+?)` \|", section, re.MULTILINE)
    assert len(messages) >= 10
    folders = ("ThoraxAILib", "LungNoduleAI")
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for folder in folders
        for path in (repository / folder).rglob("*.py")
    ]
    said = "\n".join(
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    assert [message for message in messages if message not in said] == []


def test_links_and_pictures_lead_to_files(readme, repository):
    targets = [target for target in re.findall(r"\]\((.+?)\)", readme) if "://" not in target]
    assert targets
    headings = {f"#{title.lower().replace(' ', '-')}" for title in re.findall(r"^#+ (.+)$", readme, re.MULTILINE)}
    assert [target for target in targets if target not in headings and not (repository / target).exists()] == []


def test_packages_for_slicer_are_those_of_the_distribution_but_what_slicer_brings(repository):
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (repository / "ThoraxAILib" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    brought = ("numpy", "scipy", "SimpleITK")
    wanted = {line for line in project["dependencies"] if not line.startswith(brought)}
    assert {line for line in lines if not line.startswith("#")} == wanted
