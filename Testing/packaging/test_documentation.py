"""What README and docs show can be run as it stands, links lead somewhere, and the messages they explain exist."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.synthesis.truth import CT_FILE, write_phantom
from ThoraxAILib.cli.main import build_parser

REPOSITORY = Path(__file__).resolve().parents[2]
PLACES = ("*.md", "Anonymizer/README.md", "docs/**/*.md")
PAGES = tuple(path.relative_to(REPOSITORY).as_posix() for place in PLACES for path in sorted(REPOSITORY.glob(place)))
SLICER_CONSOLE = "getNode"
LOAD_CT = """
from pathlib import Path
from ThoraxAILib.io import read_volume
from ThoraxAILib.scene import host
slicer = host.install()
from ThoraxAILib.scene.volumes import node_from_volume
node_from_volume(read_volume(Path("sample/ct.nrrd")), "ct")
"""


@pytest.fixture(scope="module")
def text_of(repository):
    """A function that reads a page by its path in the repository."""
    return lambda name: (repository / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def anchors(text: str) -> set[str]:
    """The addresses of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


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


def test_the_example_of_the_readme_runs_and_prints_findings(text_of, sample_folder):
    pytest.importorskip("thoraxai")
    (code,) = blocks(text_of("README.md"), "python")
    assert 1 < len(code.splitlines()) <= 4
    assert "Finding(" in run(code, sample_folder)


@pytest.mark.slow
def test_the_first_example_for_scripts_writes_the_files_of_the_command(text_of, sample_folder):
    pytest.importorskip("thoraxai")
    run(blocks(text_of("docs/scripting.md"), "python")[0], sample_folder)
    assert {"findings.json", "report.html", "run.json"} <= {path.name for path in (sample_folder / "result").iterdir()}


@pytest.mark.slow
def test_the_examples_for_scripts_run_one_after_the_other(text_of, sample_folder):
    pytest.importorskip("thoraxai")
    pytest.importorskip("slicer")
    code = "\n".join(block for block in blocks(text_of("docs/scripting.md"), "python") if SLICER_CONSOLE not in block)
    told = run(code, sample_folder)
    assert "Nodule_01 (" in told
    assert told.splitlines()[-1] == "Lung nodules segmentation"


@pytest.mark.slow
def test_the_console_example_runs(text_of, sample_folder):
    pytest.importorskip("thoraxai")
    pytest.importorskip("slicer")
    (code,) = (block for block in blocks(text_of("docs/scripting.md"), "python") if SLICER_CONSOLE in block)
    assert int(run(LOAD_CT + code, sample_folder)) > 0


@pytest.mark.parametrize("page", PAGES)
def test_every_python_block_names_what_exists(text_of, page):
    """Modules and names that a block imports from the suite are there; long blocks are not run here."""
    for block in blocks(text_of(page), "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0].endswith("Lib"):
                module = importlib.import_module(node.module)
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_shown_commands_are_understood(text_of, page):
    lines = [shlex.split(line, comments=True) for block in blocks(text_of(page), "sh") for line in block.splitlines()]
    for arguments in (line[1:] for line in lines if line and line[0] == "thoraxai"):
        assert callable(build_parser().parse_args(arguments).run)


def test_commands_are_shown_on_the_pages_that_need_them(text_of):
    for page in ("README.md", "docs/commands.md", *(name for name in PAGES if "tutorials" in name)):
        assert any("thoraxai " in block for block in blocks(text_of(page), "sh")), page


def test_every_command_is_listed(text_of):
    commands = re.findall(r"^\| `thoraxai (.+?)`", text_of("docs/commands.md"), re.MULTILINE)
    listed = {command.split()[0] for command in commands}
    modules = next(action.choices for action in build_parser()._actions if isinstance(action.choices, dict))
    assert listed == set(modules)


def test_every_explained_message_is_one_the_program_says(text_of, repository):
    section = text_of("docs/faq.md").split("## Messages")[1]
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


def test_explained_fields_of_findings_exist(text_of):
    section = text_of("docs/commands.md").split("`findings.json` has the schema")[1].split("\n## ")[0]
    rows = [cell for cell in re.findall(r"^\| (.+?) \|", section, re.MULTILINE) if cell.startswith("`findings[]")]
    names = {name.removeprefix("findings[].") for row in rows for name in re.findall(r"`(.+?)`", row)}
    assert len(names) > 8
    assert names <= Finding.__dataclass_fields__.keys()


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_lead_to_files_and_headings(repository, text_of, page):
    text = re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\((.+?)\)", text):
        if "://" in target or ("formats/" in target and not (repository / "docs" / "formats").is_dir()):
            continue  # pages of formats are written by a program
        name, _, anchor = target.partition("#")
        path = (repository / page).parent / name if name else repository / page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


def test_what_was_not_run_and_what_it_is_not_for_stand_at_the_top_of_the_readme(text_of):
    top = text_of("README.md").split("| Module |")[0]
    assert "**Not yet run in desktop Slicer.**" in top
    assert "**Research use only. ThoraxAI is not a medical device" in top


def test_every_picture_of_the_docs_is_shown_and_says_what_it_shows(repository, text_of):
    shown = [match for page in PAGES for match in re.findall(r"!\[(.*?)\]\((.+?)\)", text_of(page))]
    assert all(len(words.split()) >= 4 for words, _path in shown)
    pictures = {path.name for path in (repository / "docs" / "pictures").iterdir()}
    assert pictures <= {Path(path).name for _words, path in shown}


def test_packages_for_slicer_are_those_of_the_distribution_but_what_slicer_brings(repository):
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (repository / "ThoraxAILib" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    brought = ("numpy", "scipy", "SimpleITK")
    wanted = {line for line in project["dependencies"] if not line.startswith(brought)}
    assert {line for line in lines if not line.startswith("#")} == wanted
