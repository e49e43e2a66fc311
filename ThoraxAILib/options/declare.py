"""How the fields of an options class are declared, and what their declarations say."""

from __future__ import annotations

import dataclasses
import operator
import types
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass
from functools import cache, reduce
from typing import Any, Union, get_args, get_origin, get_type_hints

from ThoraxAILib.errors import InputError, known
from ThoraxAILib.options.kinds import NUMBER, SIMPLE, WHOLE, Kind, joined_line, row, split_line, yes_no

_KEY = "thoraxai.option"
_UNIT_ENDINGS = ("_mm", "_hu", "_ml")
_YES_NO = ("yes", "no")
_SLASH = "/"


@dataclass(frozen=True)
class Declaration:
    """What ``option`` was told about a field."""

    help: str = ""
    flag: str = ""
    positional: bool = False
    metavar: str = ""
    unit: str = ""
    label: str = ""
    choices: tuple[Any, ...] = ()
    at_least: float | None = None
    more_than: float | None = None
    at_most: float | None = None
    words: tuple[str, str] | None = None
    group: str = ""
    advice: str = ""


def option(default: Any = MISSING, help: str = "", *, factory: Callable[[], Any] | Any = MISSING, **more: Any) -> Any:
    """Return a dataclass field that is an option; without ``default`` and ``factory`` it must be given.

    ``more``: ``flag`` (else from the name), ``positional``, ``metavar``, ``unit``, ``label`` (its name in sentences),
    ``choices``, ``at_least``, ``more_than``, ``at_most``, ``words`` (for true and false), ``advice`` (ends the sentence
    about an impossible value); ``group`` titles the options of a nested class in the help.
    """
    metadata = {_KEY: Declaration(help=help, **more)}
    return dataclasses.field(default=default, default_factory=factory, metadata=metadata)


@dataclass(frozen=True)
class OptionField:
    """One field of an options class. ``many`` is a tuple of any length; ``nested`` a class whose options join these.

    ``kind_or_none`` is None for such a class only; ``kind`` is for all other fields.
    """

    name: str
    declared: Declaration
    kind_or_none: Kind | None
    many: bool
    optional: bool
    nested: type | None
    default: Any
    is_switch: bool

    @property
    def kind(self) -> Kind:
        """How one value is checked, read and written; ValueError for a class whose options join these."""
        return known(self.kind_or_none, f"the kind of {self.name}")

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is MISSING

    @property
    def flag(self) -> str:
        """Its name on the command line; a switch that is on unless told otherwise is named for turning it off."""
        if self.declared.flag:
            return self.declared.flag
        words = self.name.replace("_", "-")
        return f"--no-{words}" if self.is_switch and self.default is True else f"--{words}"

    @property
    def label(self) -> str:
        """Its name in a sentence."""
        name = self.name
        for ending in _UNIT_ENDINGS:
            name = name.removesuffix(ending)
        return self.declared.label or name.replace("_", " ")

    def read(self, text: str) -> Any:
        """Return the value (one item of ``many``) written as one word; raises InputError."""
        try:
            return self.kind.read(text)
        except (ValueError, OverflowError) as error:
            raise self.misfit(text, error) from error

    def load(self, plain: Any) -> Any:
        """Return the value from its JSON form; raises InputError."""
        if plain is None and self.optional:
            return None
        if self.many:
            if not isinstance(plain, (list, tuple)):
                raise InputError(f"The {self.label} must be a list, {shown(plain)} was given.")
            return tuple(self._load_one(item) for item in plain)
        return self._load_one(plain)

    def _load_one(self, plain: Any) -> Any:
        try:
            return self.kind.load(plain)
        except (ValueError, OverflowError) as error:
            raise self.misfit(plain, error) from error

    def dump(self, value: Any) -> Any:
        """Return the JSON form of a value."""
        if value is None:
            return None
        return [self.kind.dump(item) for item in value] if self.many else self.kind.dump(value)

    def misfit(self, found: Any, why: BaseException | None = None) -> InputError:
        """Return the sentence for something that is not of the kind; a record's own sentence stays as it is."""
        if isinstance(why, InputError):
            return why
        if self.declared.choices:
            return InputError(f"The {self.label} {shown(found)} is not known: use {alternatives(self.choices)}.")
        return InputError(f"The {self.label} must be {self.kind.what}, {shown(found)} was given{self._advice}.")

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that may be given, empty where others may too."""
        if self.kind_or_none is not None and self.declared.words:
            return self.declared.words
        return tuple(self.kind.write(choice) for choice in self.declared.choices)

    @property
    def _advice(self) -> str:
        return f": {self.declared.advice}" if self.declared.advice else ""

    def check(self, value: Any) -> None:
        """Raise InputError for a value that is not of the kind, out of range or none of the choices."""
        if value is None and self.optional:
            return
        if self.many and not isinstance(value, tuple):
            raise InputError(f"The {self.label} must be a tuple, {shown(value)} was given.")
        if self.many and self.declared.positional and not value:
            raise InputError(f"The {self.label} are missing: name at least one.")
        for item in value if self.many else (value,):
            if not self.kind.fits(item):
                raise self.misfit(item)
            if self.declared.choices and item not in self.declared.choices:
                raise self.misfit(item)
            self._check_range(item)

    def _check_range(self, value: Any) -> None:
        declared, unit = self.declared, f" {self.declared.unit}" if self.declared.unit else ""
        least, above, most = declared.at_least, declared.more_than, declared.at_most
        if least is not None and most is not None and not least <= value <= most:
            needed = f"lie between {least:g} and {most:g}{unit}"
        elif least is not None and value < least:
            needed = f"be at least {least:g}{unit}"
        elif above is not None and value <= above:
            needed = f"be more than {above:g}{unit}"
        elif most is not None and value > most:
            needed = f"be at most {most:g}{unit}"
        else:
            return
        raise InputError(f"The {self.label} must {needed}, {value:g} was given{self._advice}.")


def shown(value: Any) -> str:
    """Return what was found, short enough for a sentence."""
    if value is None:
        return "nothing"
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def alternatives(words: Sequence[str]) -> str:
    """Return the words as "a, b or c"."""
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def option_fields(cls: type) -> tuple[OptionField, ...]:
    """Every field of an options class in its order; raises TypeError for a type that no option can have."""
    return _option_fields(cls)


@cache
def _option_fields(cls: type) -> tuple[OptionField, ...]:
    hints = get_type_hints(cls)
    return tuple(_option_field(cls, field, hints[field.name]) for field in dataclasses.fields(cls) if field.init)


def _option_field(cls: type, field: dataclasses.Field, hint: Any) -> OptionField:
    declared = field.metadata.get(_KEY, Declaration())
    default = field.default if field.default_factory is MISSING else field.default_factory()
    bare, optional = _without_none(hint)
    many = get_origin(bare) is tuple and get_args(bare)[-1] is Ellipsis
    item = get_args(bare)[0] if many else bare
    joins = dataclasses.is_dataclass(item)
    if joins and not many and not optional:
        return OptionField(field.name, declared, None, False, False, item, default, False)
    words = declared.words or (_YES_NO if optional else None)
    kind = _kind_of(item, words or _YES_NO)
    if kind is None or (optional and (many or default not in (None, MISSING))):
        raise TypeError(f"{cls.__name__}.{field.name}: {hint} with default {default!r} cannot be an option")
    is_switch = item is bool and words is None and not many
    if item is bool and not is_switch and not declared.words:
        declared = dataclasses.replace(declared, words=words)
    return OptionField(field.name, declared, kind, many, optional, None, default, is_switch)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """Return the type without None, and whether None was among its alternatives."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    others = tuple(part for part in get_args(hint) if part is not type(None))
    return reduce(operator.or_, others), len(others) < len(get_args(hint))


def _kind_of(hint: Any, words: tuple[str, str]) -> Kind | None:
    if hint is bool:
        return yes_no(words)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _record(hint)
    if get_origin(hint) is tuple and Ellipsis not in get_args(hint):
        parts = [_kind_of(part, words) for part in get_args(hint)]
        kinds = [kind for kind in parts if kind is not None]
        return row(kinds) if len(kinds) == len(parts) else None
    return SIMPLE.get(hint)


def _record(cls: type) -> Kind:
    """Return an instance of a small options class; in text its fields with commas between them, last defaults may be
    absent.

    A field that holds several numbers has slashes between them.
    """
    if any(field.nested or (field.many and field.kind not in (WHOLE, NUMBER)) for field in option_fields(cls)):
        raise TypeError(f"{cls.__name__} cannot be written as one word: it holds more than values and numbers")
    return Kind(
        f"{','.join(field.name for field in option_fields(cls))} with commas between them",
        lambda value: isinstance(value, cls),
        lambda text: _record_from_text(cls, text),
        lambda value: joined_line([_cell(field, getattr(value, field.name)) for field in option_fields(cls)]),
        lambda plain: load_all(cls, plain),
        dump_all,
    )


def _record_from_text(cls: type, text: str) -> Any:
    fields, cells = option_fields(cls), split_line(text)
    if len(cells) > len(fields) or any(field.required for field in fields[len(cells) :]):
        raise ValueError
    values = {}
    for field, cell in zip(fields, cells, strict=False):
        if field.many:
            values[field.name] = tuple(field.kind.read(part) for part in cell.split(_SLASH) if part)
        elif cell or not field.optional:
            values[field.name] = field.kind.read(cell)
    return cls(**values)


def _cell(field: OptionField, value: Any) -> str:
    if value is None:
        return ""
    return _SLASH.join(field.kind.write(item) for item in value) if field.many else field.kind.write(value)


def dump_all(options: object) -> dict[str, Any]:
    """Return the JSON form of options: plain dicts, lists, numbers and strings."""
    found = {}
    for field in option_fields(type(options)):
        value = getattr(options, field.name)
        found[field.name] = dump_all(value) if field.nested else field.dump(value)
    return found


def load_all(cls: type, plain: Any) -> Any:
    """Options from their JSON form; raises InputError for an unknown key, a missing or an impossible value."""
    if not isinstance(plain, dict):
        raise InputError(f"The options must be one object with keys and values, {shown(plain)} was given.")
    fields = {field.name: field for field in option_fields(cls)}
    unknown = [name for name in plain if name not in fields]
    if unknown:
        raise InputError(f"The option {shown(unknown[0])} is not known: use {alternatives(tuple(fields))}.")
    missing = [field for field in fields.values() if field.required and field.name not in plain]
    if missing:
        raise InputError(f"The {missing[0].label} is missing: give a value for '{missing[0].name}'.")
    values = {}
    for name, value in plain.items():
        field = fields[name]
        values[name] = load_all(field.nested, value) if field.nested else field.load(value)
    return cls(**values)


def check_all(options: object) -> None:
    """Raise InputError for the first field whose value is impossible."""
    for field in option_fields(type(options)):
        if field.nested is None:
            field.check(getattr(options, field.name))
        elif not isinstance(getattr(options, field.name), field.nested):
            raise TypeError(f"{type(options).__name__}.{field.name} must be a {field.nested.__name__}")
