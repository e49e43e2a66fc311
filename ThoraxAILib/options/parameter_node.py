"""Options as texts of a parameter node (a vtkMRMLScriptedModuleNode, or anything with its two methods).

Panels keep their settings this way, so that they are saved with the scene. Slicer is not imported here. A text that
cannot be read counts as absent: a scene of another version opens with defaults in place of what it says otherwise.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from ThoraxAILib.errors import InputError
from ThoraxAILib.options.declare import OptionField, option_fields


class ParameterNode(Protocol):
    """What is used of a vtkMRMLScriptedModuleNode; a parameter that was never set is an empty text."""

    def GetParameter(self, name: str) -> str:
        """Return the text of a parameter."""

    def SetParameter(self, name: str, value: str) -> None:
        """Keep a text."""


def to_node(options: Any, node: ParameterNode, prefix: str = "") -> None:
    """Keep every field as a parameter of its name, after ``prefix``; those of nested classes as ``nested.name``."""
    for field in option_fields(type(options)):
        value = getattr(options, field.name)
        if field.nested is not None:
            to_node(value, node, f"{prefix}{field.name}.")
        else:
            node.SetParameter(prefix + field.name, _text(field, value))


def _text(field: OptionField, value: Any) -> str:
    if value is None:
        return ""
    if field.many:
        return json.dumps(field.dump(value))
    text = field.kind.write(value)
    return json.dumps(text) if not text or text[0] == '"' else text  # an empty text would count as absent


def from_node(cls: type, node: ParameterNode, prefix: str = "", base: Any = None) -> Any:
    """Return the options a node keeps; what is absent or unreadable is as in ``base``, or the default.

    Raises InputError when an option without default is absent.
    """
    values = {}
    for field in option_fields(cls):
        known = None if base is None else getattr(base, field.name)
        if field.nested is not None:
            values[field.name] = from_node(field.nested, node, f"{prefix}{field.name}.", known)
            continue
        text = node.GetParameter(prefix + field.name)
        try:
            if text:
                values[field.name] = _value(field, text)
                continue
        except (InputError, ValueError):
            pass
        if base is not None:
            values[field.name] = known
        elif field.required:
            raise InputError(f"The {field.label} is missing: choose it in the panel.")
    try:
        return cls(**values)
    except InputError:  # each value is possible, but not beside the others
        if base is not None:
            return base
        required = {field.name: values[field.name] for field in option_fields(cls) if field.required}
        return cls(**required)


def _value(field: OptionField, text: str) -> Any:
    if field.many:
        value = field.load(json.loads(text))
    else:
        value = field.read(json.loads(text) if text[0] == '"' else text)
    field.check(value)
    return value
