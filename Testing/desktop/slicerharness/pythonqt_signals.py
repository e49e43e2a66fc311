"""Signals by their C++ signature: ``button.connect("clicked(bool)", handler)``; an unknown signal is an error."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore

from slicerharness import pythonqt_properties

_nativeConnect = QtCore.QObject.connect
_nativeDisconnect = QtCore.QObject.disconnect
_nativeGetattribute = QtCore.QObject.__getattribute__
_links: weakref.WeakKeyDictionary[QtCore.QObject, list[tuple[str, Callable, Callable, Any]]] = (
    weakref.WeakKeyDictionary()
)
# PySide6 passes nothing to *args slots of signals with default arguments (clicked(bool = false)): exact arity needed
_ADAPTERS: tuple[Callable[[Callable], Callable], ...] = (
    lambda slot: lambda: slot(),
    lambda slot: lambda a: slot(a),
    lambda slot: lambda a, b: slot(a, b),
    lambda slot: lambda a, b, c: slot(a, b, c),
    lambda slot: lambda a, b, c, d: slot(a, b, c, d),
)


def addStringSignals() -> None:
    """Let connect and disconnect of every QObject take a signature and a callable, as PythonQt does."""
    QtCore.QObject.__getattribute__ = _getattribute
    pythonqt_properties.passThroughFrames.add(_getattribute.__code__)


def connect(sender: QtCore.QObject, signature: str, slot: Callable) -> bool:
    """Call ``slot`` on a signal; it gets as many arguments as it takes. Raises ValueError for an unknown signal."""
    signal, argumentCount = _findSignal(sender, signature)
    taken = _positionalCount(slot)
    count = argumentCount if taken is None else min(argumentCount, taken)
    link = _ADAPTERS[count](slot)
    signal.connect(link)
    _links.setdefault(sender, []).append((signature, slot, link, signal))
    return True


def disconnect(sender: QtCore.QObject, signature: str, slot: Callable | None = None) -> bool:
    """Undo connect(); without ``slot`` for everything connected to the signal. False when nothing was connected."""
    links = _links.get(sender, [])
    matching = [link for link in links if link[0] == signature and (slot is None or link[1] == slot)]
    for entry in matching:
        entry[3].disconnect(entry[2])
        links.remove(entry)
    return bool(matching)


def _getattribute(self: QtCore.QObject, name: str) -> Any:
    """Shiboken resolves connect and disconnect in C before any class attribute: they are caught here."""
    if name == "connect":
        return lambda *arguments: _connectAny(self, *arguments)
    if name == "disconnect":
        return lambda *arguments: _disconnectAny(self, *arguments)
    return _nativeGetattribute(self, name)


def _connectAny(sender: QtCore.QObject, *arguments: Any) -> Any:
    if len(arguments) == 2 and isinstance(arguments[0], str) and callable(arguments[1]):
        return connect(sender, *arguments)
    return _nativeConnect(sender, *arguments)


def _disconnectAny(sender: QtCore.QObject, *arguments: Any) -> Any:
    if arguments and isinstance(arguments[0], str):
        return disconnect(sender, *arguments[:2])
    return _nativeDisconnect(sender, *arguments)


def _positionalCount(slot: Callable) -> int | None:
    """How many positional arguments a callable takes; None for any number."""
    try:
        parameters = inspect.signature(slot).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return sum(
        parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD) for parameter in parameters
    )


def _findSignal(sender: QtCore.QObject, signature: str) -> tuple[Any, int]:
    """The bound signal and its number of arguments.

    The signature must exist as in C++. Widgets written in Python declare MRML pointers as ``object``, which stands
    for every type.
    """
    name, _separator, rest = signature.partition("(")
    wanted = _argumentTypes(_normalized(signature))
    meta = sender.metaObject()
    for index in range(meta.methodCount()):
        method = meta.method(index)
        if method.methodType() != QtCore.QMetaMethod.MethodType.Signal or not rest.rstrip().endswith(")"):
            continue
        known = bytes(method.methodSignature()).decode()
        if known.partition("(")[0] == name.strip() and _fits(wanted, _argumentTypes(known)):
            return getattr(sender, name.strip()), len(wanted)
    raise ValueError(f"no such signal {type(sender).__name__}::{signature}")


def _fits(wanted: list[str], known: list[str]) -> bool:
    return len(wanted) == len(known) and all(k in ("PyObject", w) for w, k in zip(wanted, known, strict=True))


def _argumentTypes(signature: str) -> list[str]:
    return [argument for argument in signature.partition("(")[2].rstrip(")").split(",") if argument]


def _normalized(signature: str) -> str:
    return bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
