"""Networks of others: fetched when asked, whole and checked or not at all, and removed without a trace."""

from __future__ import annotations

import hashlib
import io
import json
import urllib.error
from dataclasses import replace
from pathlib import Path

import pytest

from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import Cancelled, InputError, OutputError, ThoraxAIError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.published import transfer
from ThoraxAILib.networks.published.catalog import MODELS, PublishedFile, PublishedModel, find_published
from ThoraxAILib.networks.published.files import (
    DAMAGED,
    MISSING,
    OTHER,
    PARTLY,
    PUBLISHED,
    file_of,
    folder_of,
    state_of,
)
from ThoraxAILib.networks.published.transfer import add_model, download_model

CONTENT = bytes(range(256)) * 9000
MODEL = PublishedModel(
    "somebodys_model",
    "A model",
    (PublishedFile("models/model.pt", "https://models.example/a/model.pt", hashlib.md5(CONTENT).hexdigest()),),
    "Apache-2.0",
    "data of others",
    "https://models.example",
)


class Answer(io.BytesIO):
    """What a server sends."""

    def __init__(self, content: bytes, length: int | None = None) -> None:
        super().__init__(content)
        self.headers = {"Content-Length": str(len(content) if length is None else length)}


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("THORAXAI_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def left(models: Path) -> list[str]:
    return sorted(path.relative_to(models).as_posix() for path in models.rglob("*"))


def test_a_download_puts_the_checked_file_into_its_place(models):
    asked: list[str] = []
    told: list[float] = []

    def open_url(url: str) -> Answer:
        asked.append(url)
        return Answer(CONTENT)

    assert state_of(MODEL) == MISSING
    assert download_model(MODEL, Progress(lambda value, _text: told.append(value)), open_url) == folder_of(MODEL)
    assert (asked, state_of(MODEL)) == (["https://models.example/a/model.pt"], PUBLISHED)
    assert file_of(MODEL).read_bytes() == CONTENT
    assert told == sorted(told)
    assert told[-1] == 1.0
    download_model(MODEL, None, open_url)
    assert len(asked) == 1, "what is there as published is not fetched again"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _url: Answer(CONTENT[:-1] + b"x"), "not the file that was published"),
        (lambda _url: Answer(CONTENT[:5000], len(CONTENT)), "ended after"),
        (lambda _url: (_ for _ in ()).throw(urllib.error.URLError("Name or service not known")), "cannot be reached"),
        (lambda _url: (_ for _ in ()).throw(TimeoutError()), "cannot be reached"),
    ],
    ids=["another file", "half a file", "no network", "silence"],
)
def test_whatever_goes_wrong_is_one_sentence_and_leaves_nothing(models, answer, words):
    with pytest.raises(ThoraxAIError, match=words) as raised:
        download_model(MODEL, None, answer)
    assert str(raised.value).count(". ") == 0
    assert left(models) == []


def test_a_connection_that_breaks_leaves_nothing(models):
    class Broken(Answer):
        def read(self, size: int = -1) -> bytes:
            if self.tell():
                raise ConnectionResetError
            return super().read(size)

    with pytest.raises(ThoraxAIError, match="broke off"):
        download_model(MODEL, None, lambda _url: Broken(CONTENT))
    assert left(models) == []


def test_a_download_that_is_stopped_leaves_nothing(models):
    told: list[str] = []
    progress = Progress(lambda _value, text: told.append(text), lambda: len(told) >= 1)
    with pytest.raises(Cancelled):
        download_model(MODEL, progress, lambda _url: Answer(CONTENT))
    assert left(models) == []


def test_more_than_any_network_has_is_refused(models, monkeypatch):
    monkeypatch.setattr(transfer, "MAX_FILE_BYTES", 1 << 20)
    with pytest.raises(InputError, match="sends more than"):
        download_model(MODEL, None, lambda _url: Answer(CONTENT, 0))
    assert left(models) == []


def test_a_full_disk_is_told(models, monkeypatch):
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transfer.os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        download_model(MODEL, None, lambda _url: Answer(CONTENT))
    assert left(models) == []


def test_only_encrypted_addresses_are_opened():
    with pytest.raises(ValueError, match="not encrypted"):
        transfer._open("http://models.example/model.pt")
    assert all(file.url.startswith("https://") for model in MODELS for file in model.files)


@pytest.mark.parametrize("layout", ["models/model.pt", "model.pt"])
def test_a_folder_gives_the_published_file_and_is_not_changed(tmp_path, layout):
    source = tmp_path / "bundle"
    (source / layout).parent.mkdir(parents=True)
    (source / layout).write_bytes(CONTENT)
    (source / "training_series.txt").write_text("1.2.3\n")
    add_model(MODEL, source)
    assert state_of(MODEL) == PUBLISHED
    assert (source / layout).read_bytes() == CONTENT
    assert (folder_of(MODEL) / "training_series.txt").read_text() == "1.2.3\n"


def test_weights_of_ones_own_are_taken_only_when_they_are_said_to_be(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"my own")
    with pytest.raises(InputError, match="other-weights"):
        add_model(MODEL, tmp_path)
    assert state_of(MODEL) == MISSING
    add_model(MODEL, tmp_path, are_other_weights=True)
    assert state_of(MODEL) == OTHER


def test_a_file_that_changed_since_is_damaged_and_fetched_again():
    download_model(MODEL, None, lambda _url: Answer(CONTENT))
    file_of(MODEL).write_bytes(CONTENT[:-3])
    assert state_of(MODEL) == DAMAGED
    download_model(MODEL, None, lambda _url: Answer(CONTENT))
    assert state_of(MODEL) == PUBLISHED


def test_one_of_two_files_is_there_in_part(tmp_path):
    second = PublishedFile("models/other.pt", "https://models.example/a/other.pt", MODEL.files[0].md5)
    both = replace(MODEL, files=(*MODEL.files, second))
    (tmp_path / "other.pt").write_bytes(CONTENT)
    add_model(both, tmp_path)
    assert (state_of(both), state_of(both, "models/other.pt"), state_of(both, "models/model.pt")) == (
        PARTLY,
        PUBLISHED,
        MISSING,
    )


def test_commands_list_add_and_remove(tmp_path, capsys):
    name = "lung_nodule_ct_detection"
    (tmp_path / "model.pt").write_bytes(b"my own")
    assert main(["models", "add", name, str(tmp_path), "--other-weights"]) == 0
    capsys.readouterr()
    assert main(["models", "list", "--json"]) == 0
    told = {model["name"]: model for model in json.loads(capsys.readouterr().out)["published"]}
    assert told[name]["state"] == OTHER
    assert all(told[name][field] for field in ("licence", "trained_on", "source", "size_bytes"))
    assert main(["models", "remove", name]) == 0
    assert not folder_of(find_published(name)).exists()
    assert main(["models", "remove", name]) == 2


def test_nothing_is_fetched_before_the_licence_was_agreed_to(monkeypatch, capsys):
    monkeypatch.setattr(transfer, "download_model", lambda *_: pytest.fail("fetched"))
    assert main(["models", "get", "lung_nodule_ct_detection"]) == 2
    told = capsys.readouterr()
    assert "licence: Apache-2.0" in told.out
    assert "--yes" in told.err


def test_an_unknown_model_names_the_known_ones():
    with pytest.raises(InputError, match="wholeBody_ct_segmentation"):
        find_published("x")
