"""Answers in words for people: terminal, report and panel. Rules advise, the reader decides."""

from __future__ import annotations

from LungNoduleAILib.guidelines.rules import RULES
from LungNoduleAILib.guidelines.tables import bts_2015, fleischner_2017, lung_rads_2022

READER_DECIDES = "Guidelines advise, the reader decides. Research use only, not a medical device."


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
        words.append(f"{100 * answer['probability']:.1f} % probability of malignancy")
    if "growth" in answer:
        words.append(answer["growth"].replace("_", " "))
    if "vdt_days" in answer:
        days = answer["vdt_days"]
        words.append("no doubling time" if days is None else f"doubling time {days:g} days")
    return "; ".join(words)


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
        f"  {READER_DECIDES}",
    ]
    return "\n".join(lines)
