"""Every weights file has a card, every card describes its file as it is, and the commands tell what the cards say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ThoraxAILib.cli.main import main
from ThoraxAILib.errors import InputError
from ThoraxAILib.networks.cards import IN_CHECKOUT, RESEARCH_ONLY, SECTIONS, hash_file, model_cards, read_card

PACKAGES = ("ThoraxAILib", "LungNoduleAI", "CardiacBiomech", "Anonymizer")
WEIGHTS = (".pt", ".pth", ".onnx", ".ts", ".safetensors")
CARDS = model_cards(IN_CHECKOUT)

GOOD = """# A model

| | |
| --- | --- |
| file | `ThoraxAILib/networks/cards.py` (1 kB) |
| sha256 | `{hash}` |
| task | nothing |
| licence | as the project; research use only, not a medical device |

## How it was made
- By hand.

## What it reaches
- First number,
  on two lines.
- Second number.

## What it is not
- Much.
"""


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_every_card_has_its_sections_and_describes_the_file_as_it_is(repository, card):
    assert [section for section in SECTIONS if f"\n## {section}\n" not in card.text] == []
    assert card.metrics
    assert RESEARCH_ONLY in card.licence
    assert re.fullmatch("[0-9a-f]{64}", card.sha256)
    assert hash_file(repository / card.file) == card.sha256
    assert card.state == "matches"
    assert card.path == repository / card.file


def test_every_weights_file_has_exactly_one_card_and_is_small_enough(repository):
    weights = {
        path.relative_to(repository).as_posix(): path.stat().st_size
        for package in PACKAGES
        for path in (repository / package).rglob("*")
        if path.suffix in WEIGHTS
    }
    assert sorted(card.file for card in CARDS if Path(card.file).suffix in WEIGHTS) == sorted(weights)
    assert max(weights.values()) <= 10e6
    assert sum(weights.values()) <= 30e6


def test_models_list_tells_task_file_state_results_and_licence(capsys):
    assert main(["models", "list"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for card in CARDS:
        for word in (card.name, card.task, card.file, card.licence, card.metrics[0]):
            assert " ".join(word.split()) in text
    assert text.count("as its card says") == len(CARDS)
    assert text.endswith("Research use only, not a medical device.")


def test_models_list_as_json_and_show_tell_the_same(capsys):
    assert main(["models", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["schema"] == "thoraxai.models/1"
    assert [model["name"] for model in listed["models"]] == [card.name for card in CARDS]
    assert all(model["state"] == "matches" and model["size_bytes"] > 0 for model in listed["models"])
    assert main(["models", "show", CARDS[0].name]) == 0
    assert capsys.readouterr().out.startswith(CARDS[0].text.rstrip())


def test_an_unknown_model_is_told_in_one_line_with_those_that_exist(capsys):
    assert main(["models", "show", "oracle"]) == 2
    message = capsys.readouterr().err
    assert CARDS[0].name in message
    assert message.count("\n") == 1


@pytest.fixture
def card_of(repository, tmp_path):
    """A function that writes the text of a card and reads it."""
    right = hash_file(repository / "ThoraxAILib" / "networks" / "cards.py")

    def make(old: str = "", new: str = ""):
        text = GOOD.format(hash=right)
        assert old in text
        (tmp_path / "model.md").write_text(text.replace(old, new) if old else text, encoding="utf-8")
        return read_card(tmp_path / "model.md")

    return make


def test_a_card_tells_whether_its_file_matches_differs_or_is_missing(card_of):
    assert card_of().state == "matches"
    assert card_of("`ThoraxAILib/networks/cards.py`", "`ThoraxAILib/networks/device.py`").state == "differs"
    assert card_of("`ThoraxAILib/networks/cards.py`", "`ThoraxAILib/models/none.pt`").state == "missing"
    assert card_of("`ThoraxAILib/networks/cards.py`", "`NowhereLib/none.pt`").state == "missing"
    assert card_of("`ThoraxAILib/networks/cards.py`", "`Resources/none.pt`").state == "missing"


def test_the_results_of_a_card_are_its_list_items_on_one_line_each(card_of):
    assert card_of().metrics == ("First number, on two lines.", "Second number.")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("| task | nothing |\n", "", "lacks task"),
        ("# A model\n", "", "lacks a title"),
        ("`ThoraxAILib/networks/cards.py`", "weights.pt", "a quoted file"),
    ],
)
def test_a_card_without_its_header_is_refused(card_of, old, new, words):
    with pytest.raises(InputError, match=words):
        card_of(old, new)
