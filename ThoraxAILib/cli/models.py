"""``thoraxai models``: which models are shipped, whether their files are sound, and their cards."""

from __future__ import annotations

import argparse
import json
import textwrap

from ThoraxAILib.networks.cards import DIFFERS, MATCHES, MISSING, ModelCard, find_card, model_cards

SCHEMA = "thoraxai.models/1"
NOTICE = "Research use only, not a medical device."
STATES = {MATCHES: "as its card says", DIFFERS: "NOT the file its card describes", MISSING: "missing"}
WIDTH = 116


def add_commands(modules: argparse._SubParsersAction) -> None:
    """Mount ``models`` with ``list`` and ``show``."""
    models = modules.add_parser("models", help="the models shipped with the suite and their cards")
    commands = models.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="every model with its task, file, results and licence")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=_list)
    show = commands.add_parser("show", help="the whole card of one model")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(run=_show)


def _list(arguments: argparse.Namespace) -> int:
    cards = model_cards()
    if arguments.json:
        print(json.dumps({"schema": SCHEMA, "notice": NOTICE, "models": [card.to_dict() for card in cards]}, indent=2))
        return 0
    for card in cards:
        print("\n".join(_describe(card)))
    print(NOTICE if cards else "No model card is installed.")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    card = find_card(arguments.name)
    print(card.text.rstrip())
    print(f"\n{card.file} is {STATES[card.state]}.")
    return 0


def _describe(card: ModelCard) -> list[str]:
    size = "" if card.path is None else f"{card.path.stat().st_size / 1e6:.1f} MB, "
    lines = [
        f"{card.name}: {card.title}",
        f"    task: {card.task}",
        f"    file: {card.file} ({size}{STATES[card.state]})",
    ]
    for metric in card.metrics:
        lines += textwrap.wrap(metric, WIDTH, initial_indent="    - ", subsequent_indent="      ")
    return [*lines, f"    licence: {card.licence}", ""]
