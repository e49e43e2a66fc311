"""Answers in words for people: terminal, report and panel. Rules advise, the reader decides."""

from __future__ import annotations

from collections.abc import Collection

from LungNoduleAILib.guidelines.rules import RULES
from LungNoduleAILib.guidelines.tables import bts_2015, fleischner_2017, lung_rads_2022
from LungNoduleAILib.guidelines.terms.meanings import PHRASES
from LungNoduleAILib.guidelines.terms.vocabulary import BENIGN_PATTERNS

READER_DECIDES = "Guidelines advise, the reader decides. Research use only, not a medical device."

MAX_LISTED = 8  # nodule numbers in one sentence


def answer_words(answer: dict) -> str:
    """Return the answer with its advice in one line; or the error."""
    if "error" in answer:
        return answer["error"]
    return "; ".join(text for text in (result_words(answer), advice(answer)) if text)


def result_words(answer: dict) -> str:
    """Category, management key, probability, growth or doubling time in a few words."""
    words = []
    if "category" in answer:
        words.append(f"category {answer['category'].replace('_', ' ')}")
    if "management" in answer:
        words.append(answer["management"].replace("_", " "))
    if "probability" in answer:
        words.append(f"{_percent(answer)} probability of malignancy")
    if "growth" in answer:
        words.append(answer["growth"].replace("_", " "))
    if "vdt_days" in answer:
        days = answer["vdt_days"]
        words.append("no doubling time" if days is None else f"doubling time {days:g} days")
    return "; ".join(words)


def _percent(answer: dict) -> str:
    """Return the probability, as a range where something that nobody stated decides it."""
    low, high = answer.get("probability_range", (answer["probability"],) * 2)
    ends = f"{100 * low:.1f}", f"{100 * high:.1f}"
    return f"{ends[0]} %" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]} %"


def open_words(answer: dict, about: Collection[str] | None = None) -> tuple[str, ...]:
    """Return what was not stated and would change the answer, one phrase for each answer that it may be instead.

    E.g. "category 4X with spiculation or suspicious features"; probabilities: "50.3 % with spiculation". ``about``
    keeps those of certain inputs only.
    """
    by_answer: dict[str, dict[str, list[int]]] = {}
    for one in answer.get("open", ()):
        if about is None or all(name in about for name in one["inputs"]):
            nodules = by_answer.setdefault(_instead(answer["rule"], one), {}).setdefault(_phrase(one), [])
            nodules += [one["nodule"]] if "nodule" in one and one["nodule"] not in nodules else []
    return tuple(
        f"{instead} with {_either([phrase + _of_nodules(numbers) for phrase, numbers in phrases.items()])}"
        for instead, phrases in by_answer.items()
    )


def _instead(rule: str, one: dict) -> str:
    if "probability" in one:
        return f"{100 * one['probability']:.1f} %"
    if "category" in one:
        return f"category {one['category'].replace('_', ' ')}"
    return f"\u201c{advice({'rule': rule, **one})}\u201d"


def _phrase(one: dict) -> str:
    """Return the words for what is open, with all benign patterns of calcification as one."""
    is_pattern = len(one["inputs"]) == 1 and one["inputs"].get("calcification_pattern") in BENIGN_PATTERNS
    return PHRASES["benign_calcification"][0] if is_pattern else one["if"]


def _of_nodules(numbers: list[int]) -> str:
    if not numbers:
        return ""
    listed = ", ".join(str(number) for number in numbers[:MAX_LISTED])
    more = " and more" if len(numbers) > MAX_LISTED else ""
    return f" (nodule{'s' * (len(numbers) > 1)} {listed}{more})"


def _either(words: list[str]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def advice(answer: dict) -> str:
    """Return what the category or the management key advises, as the guideline words it; empty for a probability."""
    if "category" in answer:
        return lung_rads_2022.ADVICE[answer["category"].removesuffix("S")]
    key = answer.get("management")
    if key is None:
        return ""
    table = fleischner_2017.ADVICE if answer["rule"] == fleischner_2017.RULE else bts_2015.ADVICE
    return table[key]


def answer_text(answer: dict) -> str:
    """Return the answer with its reasons and uncertain choices as lines, and that the reader decides."""
    title = RULES[answer["rule"]].title
    if "error" in answer:
        return f"{title}: {answer['error']}"
    lines = [
        f"{title}: {answer_words(answer)}",
        *(f"  because: {reason}" for reason in answer["reasons"]),
        *(f"  uncertain: {choice}" for choice in answer.get("uncertain", ())),
        *(f"  not stated: it would be {words}" for words in open_words(answer)),
        f"  {READER_DECIDES}",
    ]
    return "\n".join(lines)
