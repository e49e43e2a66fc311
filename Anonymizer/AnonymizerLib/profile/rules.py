"""A person's own rules from a small YAML file, checked line by line.

keep:
  - StudyDescription            # a keyword
  - "0018,1030"                 # or a tag
  - creator: SIEMENS MR HEADER  # a private block; elements are optional
    elements: ["0c", "0e"]
remove:
  - PatientSex
replace:
  InstitutionName: Hospital A
blank:                          # rectangles in images that match
  - modality: US
    manufacturer: Acme
    rows: 480
    columns: 640
    boxes: [[0, 0, 640, 40]]    # left, top, width, height
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from AnonymizerLib.bounds.maxima import MAX_NUMBER_DIGITS, MAX_RULES_BYTES
from AnonymizerLib.profile.actions import Action, Decision
from AnonymizerLib.profile.regions import MATCHED_TAGS, Box, RegionRule
from AnonymizerLib.profile.user_value import checked_value
from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

if TYPE_CHECKING:
    from yaml.nodes import Node

SECTIONS = {"keep": Action.KEEP, "remove": Action.REMOVE, "replace": Action.USER_VALUE}
TAG = re.compile(r"^\(?\s*([0-9a-fA-F]{4})\s*,?\s*([0-9a-fA-F]{4})\s*\)?$")
ELEMENT = re.compile(r"^[0-9a-fA-F]{1,2}$")
Creator = tuple[str, int | None]


@dataclass(frozen=True, eq=False)
class UserRules:
    """Rules by tag, and by private creator (with the element's offset, or None for the whole block)."""

    by_tag: dict[int, Decision] = field(default_factory=dict)
    by_creator: dict[Creator, Decision] = field(default_factory=dict)
    regions: tuple[RegionRule, ...] = ()

    def for_tag(self, tag: int) -> Decision | None:
        """Return the rule for a tag, if there is one."""
        return self.by_tag.get(tag)

    def for_private(self, creator: str, offset: int) -> Decision | None:
        """Return the rule for a private element of this creator; one about the element precedes one about the block."""
        return self.by_creator.get((creator, offset)) or self.by_creator.get((creator, None))

    def __len__(self) -> int:
        return len(self.by_tag) + len(self.by_creator) + len(self.regions)


class _Reader:
    """Reads one file; every complaint names the file and the line."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fail(self, node: Node, problem: str) -> InputError:
        return InputError(f"{self.name} line {node.start_mark.line + 1}: {problem}")

    def scalar(self, node: Node) -> str:
        """Return the text of a plain value."""
        from yaml.nodes import ScalarNode

        if not isinstance(node, ScalarNode):
            raise self.fail(node, "one keyword, tag or text is expected here, not a list or a block.")
        return node.value.strip()

    def items(self, node: Node) -> list[Node]:
        """Return the entries of a list."""
        from yaml.nodes import SequenceNode

        if not isinstance(node, SequenceNode):
            raise self.fail(node, "a list is expected here: begin each entry with '- '.")
        return node.value

    def pairs(self, node: Node) -> list[tuple[Node, Node]]:
        """Return the 'name: value' pairs of a block."""
        from yaml.nodes import MappingNode

        if not isinstance(node, MappingNode):
            raise self.fail(node, "'name: value' pairs are expected here.")
        return node.value

    def tag(self, node: Node) -> int:
        """Look up the tag that a keyword or 'gggg,eeee' names."""
        from pydicom.datadict import keyword_dict, tag_for_keyword

        text = self.scalar(node)
        if match := TAG.match(text):
            tag = int(match[1] + match[2], 16)
            if (tag >> 16) % 2:
                raise self.fail(node, f"{text} is a private tag: name its block with 'creator:' instead.")
            return tag
        named = tag_for_keyword(text)
        if named is None:
            near = difflib.get_close_matches(text, keyword_dict, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise self.fail(node, f"'{text}' is neither a DICOM keyword nor a tag like 0010,0020{hint}.")
        return named

    def creators(self, node: Node) -> Iterator[Creator]:
        """List the private block of an entry, element by element when it names them."""
        fields = {self.scalar(key): (key, value) for key, value in self.pairs(node)}
        if "creator" not in fields or set(fields) - {"creator", "elements"}:
            raise self.fail(node, "a private block is written as 'creator: NAME' and, if wanted, 'elements: [..]'.")
        creator = self.scalar(fields["creator"][1])
        if "elements" not in fields:
            yield creator, None
            return
        for element in self.items(fields["elements"][1]):
            text = self.scalar(element)
            if not ELEMENT.match(text):
                raise self.fail(element, f"'{text}' is not a private element: give its last two hex digits.")
            yield creator, int(text, 16)

    def region(self, node: Node) -> RegionRule:
        """One entry of blank: what images it is about, and the boxes."""
        boxes: tuple[Box, ...] = ()
        texts: dict[str, str] = {}
        sizes: dict[str, int] = {}
        for key, value in self.pairs(node):
            name = self.scalar(key)
            if name == "boxes":
                boxes = tuple(self.box(entry) for entry in self.items(value))
            elif name in MATCHED_TAGS:
                texts[name] = self.scalar(value)
            elif name in ("rows", "columns"):
                sizes[name] = self.number(value)
            else:
                known = ", ".join([*MATCHED_TAGS, "rows", "columns", "boxes"])
                raise self.fail(key, f"'{name}' is not known here: use {known}.")
        if not boxes:
            raise self.fail(node, "the boxes are missing: add boxes: [[left, top, width, height]].")
        return RegionRule(boxes, texts, sizes.get("rows"), sizes.get("columns"))

    def box(self, node: Node) -> Box:
        """[left, top, width, height]."""
        numbers = [self.number(part) for part in self.items(node)]
        if len(numbers) != 4 or numbers[2] < 1 or numbers[3] < 1:
            raise self.fail(node, "a box is [left, top, width, height] with a positive width and height.")
        return Box(*numbers)

    def number(self, node: Node) -> int:
        """Read a whole number of pixels."""
        text = self.scalar(node)
        if not text.isdecimal() or len(text) > MAX_NUMBER_DIGITS:
            raise self.fail(node, f"'{text[:MAX_NUMBER_DIGITS]}' is not a whole number of pixels.")
        return int(text)


def read_rules(path: Path) -> UserRules:
    """Rules of a YAML file; InputError names the line of the first mistake."""
    try:
        text = read_bounded(path, MAX_RULES_BYTES).decode("utf-8-sig")
    except TooLarge as error:
        raise InputError(
            f"The rules file {path.name} is larger than {MAX_RULES_BYTES >> 20} MiB: give a rules file."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The rules file {path.name} cannot be read: give a UTF-8 text file.") from error
    return parse_rules(text, path.name)


def parse_rules(text: str, name: str = "rules") -> UserRules:
    """Rules from YAML text; ``name`` appears in error messages."""
    import yaml
    from yaml.reader import ReaderError

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{name} line {line}: this is not valid YAML ({error.problem}).") from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError(f"{name} line {line}: a control character stands here: write it as plain text.") from error
    except RecursionError as error:
        raise InputError(
            f"{name}: lists or blocks are nested too deeply: use keep, remove, replace and blank."
        ) from error
    rules = UserRules()
    if root is None:
        return rules
    reader = _Reader(name)
    regions: list[RegionRule] = []
    for section, body in reader.pairs(root):
        if reader.scalar(section) == "blank":
            regions += [reader.region(entry) for entry in reader.items(body)]
        elif reader.scalar(section) in SECTIONS:
            _add_section(reader, section.value.strip(), body, rules)
        else:
            raise reader.fail(section, f"'{section.value}' is not a section: use keep, remove, replace or blank.")
    return UserRules(rules.by_tag, rules.by_creator, tuple(regions))


def _add_section(reader: _Reader, section: str, body: Node, rules: UserRules) -> None:
    from yaml.nodes import MappingNode

    action = SECTIONS[section]
    if action is Action.USER_VALUE:
        for key, value in reader.pairs(body):
            tag = reader.tag(key)
            try:
                checked = checked_value(tag, reader.scalar(value))
            except ValueError as error:
                raise reader.fail(value, f"{reader.scalar(key)} cannot be replaced: {error}.") from error
            _add_tag(reader, key, Decision(action, _origin(reader, key), value=checked), rules)
        return
    for entry in reader.items(body):
        decision = Decision(action, _origin(reader, entry))
        if isinstance(entry, MappingNode):
            for creator in reader.creators(entry):
                rules.by_creator[creator] = decision
        else:
            _add_tag(reader, entry, decision, rules)


def _origin(reader: _Reader, node: Node) -> str:
    return f"{reader.name} line {node.start_mark.line + 1}"


def _add_tag(reader: _Reader, node: Node, decision: Decision, rules: UserRules) -> None:
    tag = reader.tag(node)
    if tag in rules.by_tag:
        raise reader.fail(node, f"'{node.value}' already has a rule at {rules.by_tag[tag].reason}: keep one.")
    rules.by_tag[tag] = decision
