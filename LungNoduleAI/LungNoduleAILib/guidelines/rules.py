"""The rules by name, and the one way to apply them to what a person or a file states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from LungNoduleAILib.guidelines.bts import bts_2015
from LungNoduleAILib.guidelines.bts_follow_up import bts_growth
from LungNoduleAILib.guidelines.fleischner import fleischner_2017, fleischner_growth
from LungNoduleAILib.guidelines.lung_rads.category import lung_rads_2022
from LungNoduleAILib.guidelines.lung_rads.growth import lung_rads_growth
from LungNoduleAILib.guidelines.queries import Growth, answer_query
from LungNoduleAILib.guidelines.risk_models import brock, mayo
from LungNoduleAILib.guidelines.tables import bts_2015 as bts_table
from LungNoduleAILib.guidelines.tables import fleischner_2017 as fleischner_table
from LungNoduleAILib.guidelines.tables import lung_rads_2022 as lung_rads_table
from LungNoduleAILib.guidelines.tables import risk_models as risk_table
from LungNoduleAILib.guidelines.terms import used
from LungNoduleAILib.guidelines.terms.answer import Answer, Trace
from LungNoduleAILib.guidelines.terms.inputs import Inputs
from LungNoduleAILib.guidelines.terms.reading import read_inputs
from LungNoduleAILib.guidelines.unstated import with_open_inputs
from ThoraxAILib.errors import InputError


@dataclass(frozen=True)
class Rule:
    """One rule: how it is applied, which inputs it uses, and how it answers the query 'growth' if it knows growth."""

    name: str
    title: str
    edition: str
    source: str
    apply: Callable[[Inputs], Answer]
    uses: tuple[str, ...]
    growth: Growth | None = None


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            lung_rads_table.RULE,
            "Lung-RADS v2022",
            lung_rads_table.EDITION,
            lung_rads_table.SOURCE,
            lung_rads_2022,
            used.LUNG_RADS,
            lung_rads_growth,
        ),
        Rule(
            fleischner_table.RULE,
            "Fleischner 2017",
            fleischner_table.EDITION,
            fleischner_table.SOURCE,
            fleischner_2017,
            used.FLEISCHNER,
            fleischner_growth,
        ),
        Rule(bts_table.RULE, "BTS 2015", bts_table.EDITION, bts_table.SOURCE, bts_2015, used.BTS, bts_growth),
        Rule(
            risk_table.BROCK_RULE,
            "Brock",
            risk_table.BROCK_EDITION.format(name="2"),
            risk_table.BROCK_SOURCE,
            brock,
            used.BROCK,
        ),
        Rule(risk_table.MAYO_RULE, "Mayo", risk_table.MAYO_EDITION, risk_table.MAYO_SOURCE, mayo, used.MAYO),
    )
}


def apply_rule(rule: str, inputs: Inputs, each_nodule: bool = True) -> Answer:
    """Return what a rule says to checked inputs, and what of it depends on something that was not stated.

    ``each_nodule`` False does not look for what is open of each nodule of a list. Raises InputError for an unknown
    rule, MissingInput for what the rule needs.
    """
    chosen = RULES.get(rule)
    if chosen is None:
        raise InputError(f"The rule {rule!r} is not known: use {', '.join(RULES)}.")
    if inputs.query is None:
        return with_open_inputs(chosen.apply, chosen.uses, inputs, each_nodule)
    return answer_query(rule, chosen.edition, inputs, chosen.growth, Trace(chosen.source))


def apply_guideline(rule: str, inputs: dict, each_nodule: bool = True) -> dict:
    """Return the same for plain dictionaries: keys of vocabulary.py in, fields of Answer out, only those that apply."""
    if rule not in RULES:
        raise InputError(f"The rule {rule!r} is not known: use {', '.join(RULES)}.")
    return apply_rule(rule, read_inputs(inputs), each_nodule).to_dict()
