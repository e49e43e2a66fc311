"""``thoraxai models``: which models are shipped, their cards, and published ones of others: get, add, remove."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from pathlib import Path

from ThoraxAILib.errors import Cancelled, InputError
from ThoraxAILib.jobs.events import add_events_argument, reporting_errors
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.cards import DIFFERS, MATCHES, MISSING, ModelCard, find_card, model_cards
from ThoraxAILib.networks.published.catalog import MODELS, PublishedModel, find_published
from ThoraxAILib.networks.published.files import remove_model, size_of, state_of

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
    get = commands.add_parser("get", help="download a published model of others, after showing its licence")
    get.add_argument("name", metavar="NAME")
    get.add_argument("--yes", action="store_true", help="the licence is agreed to; do not ask")
    add_events_argument(get)
    get.set_defaults(run=_get)
    add = commands.add_parser("add", help="take a published model of others from a folder (a MONAI bundle)")
    add.add_argument("name", metavar="NAME")
    add.add_argument("folder", type=Path, metavar="FOLDER")
    add.add_argument("--other-weights", action="store_true", help="these are weights of your own, not the published")
    add.set_defaults(run=_add)
    remove = commands.add_parser("remove", help="remove the files of a published model from this computer")
    remove.add_argument("name", metavar="NAME")
    remove.set_defaults(run=_remove)


def _list(arguments: argparse.Namespace) -> int:
    cards = model_cards()
    if arguments.json:
        shipped = [card.to_dict() for card in cards]
        of_others = [_published_dict(model) for model in MODELS]
        told = {"schema": SCHEMA, "notice": NOTICE, "models": shipped, "published": of_others}
        print(json.dumps(told, indent=2))
        return 0
    for card in cards:
        print("\n".join(_describe(card)))
    for model in MODELS:
        print("\n".join(_describe_published(model)))
    print(NOTICE if cards else "No model card is installed.")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    card = find_card(arguments.name)
    print(card.text.rstrip())
    print(f"\n{card.file} is {STATES[card.state]}.")
    return 0


def _get(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.networks.published.transfer import download_model

    with reporting_errors(arguments.events) as events:
        model = find_published(arguments.name)
        if not events.own_stdout:
            print(f"{model.title}\nlicence: {model.licence}\ntrained on: {model.trained_on}\nfrom: {model.source}")
        if not arguments.yes:
            _ask(model)
        folder = download_model(model, Progress(events.progress, arguments.is_cancelled))
        events.result(folder)
        if not events.own_stdout:
            print(f"Stored in {folder} ({size_of(model) / 1e6:.0f} MB).")
    return 0


def _ask(model: PublishedModel) -> None:
    if not sys.stdin.isatty():
        raise InputError(f"Nobody agreed to the licence of '{model.name}': read it and add --yes.")
    if input("Download it under this licence? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Cancelled("Nothing was downloaded.")


def _add(arguments: argparse.Namespace) -> int:
    from ThoraxAILib.networks.published.transfer import add_model

    model = find_published(arguments.name)
    folder = add_model(model, arguments.folder, arguments.other_weights)
    print(f"{model.title}: {state_of(model)}, in {folder} ({size_of(model) / 1e6:.0f} MB).")
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    print(f"{remove_model(find_published(arguments.name)) / 1e6:.0f} MB removed.")
    return 0


def _published_dict(model: PublishedModel) -> dict:
    return {
        "name": model.name,
        "title": model.title,
        "licence": model.licence,
        "trained_on": model.trained_on,
        "source": model.source,
        "state": state_of(model),
        "size_bytes": size_of(model),
    }


def _describe_published(model: PublishedModel) -> list[str]:
    state = state_of(model)
    size = "" if state == MISSING else f", {size_of(model) / 1e6:.1f} MB"
    return [
        f"{model.name}: {model.title} (of others, not shipped)",
        f"    files: {state}{size}; thoraxai models get {model.name}",
        f"    trained on: {model.trained_on}",
        f"    licence: {model.licence}",
        "",
    ]


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
