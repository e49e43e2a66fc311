"""Qt properties as attributes: ``label.text`` and ``label.text = "a"`` instead of ``label.text()`` and ``setText``.

PySide6's own ``true_property`` switch is not used: it removes the setters and ``isEnabled`` that PythonQt keeps.
A data descriptor on every class answers with the property's value, except to code of PySide6, VTK and this harness,
which go on calling the method of the same name.
"""

from __future__ import annotations

import ctypes
import sys
from types import FrameType
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

_NATIVE_CALLERS = ("vtkmodules", "PySide6", "shiboken", "slicerharness", "trame_slicer", "_pytest", "pytest")
_VIRTUAL = frozenset({"sizeHint", "minimumSizeHint"})  # reading them as properties would call the override again
_METHODS = frozenset({"children", "parent"})
_readProperty = QtCore.QObject.property
_writeProperty = QtCore.QObject.setProperty
_nativeModules: dict[str, bool] = {}
passThroughFrames: set[Any] = set()  # code objects between a caller and the descriptor


def isNative(frame: FrameType | None) -> bool:
    """Whether the code of this frame expects PySide6's own semantics."""
    name = (frame.f_globals.get("__name__") or "") if frame is not None else ""
    if name not in _nativeModules:
        _nativeModules[name] = name.startswith(_NATIVE_CALLERS)
    return _nativeModules[name]


class PythonQtProperty:
    """Data descriptor for one Qt property; ``method`` is PySide6's accessor of the same name, if it has one."""

    __slots__ = ("method", "name")

    def __init__(self, name: str, method: Any) -> None:
        self.name, self.method = name, method

    def __get__(self, instance: QtCore.QObject | None, owner: type | None = None) -> Any:
        if instance is None:
            return self if self.method is None else self.method
        caller = sys._getframe(1)
        while caller is not None and caller.f_code in passThroughFrames:
            caller = caller.f_back
        if self.method is not None and isNative(caller):
            return self.method.__get__(instance, owner)
        return _readProperty(instance, self.name)

    def __set__(self, instance: QtCore.QObject, value: Any) -> None:
        if _writeProperty(instance, self.name, value):
            return
        setter = getattr(instance, f"set{self.name[0].upper()}{self.name[1:]}", None)  # enumerations need it
        if setter is None:
            raise AttributeError(f"property '{self.name}' of {type(instance).__name__} cannot be set")
        setter(value)


def qtClasses() -> list[type]:
    """Every QObject class of QtCore, QtGui and QtWidgets, base classes first."""
    values = [getattr(module, name) for module in (QtCore, QtGui, QtWidgets) for name in dir(module)]
    found = {value for value in values if isinstance(value, type) and issubclass(value, QtCore.QObject)}
    return sorted(found, key=lambda cls: (len(cls.__mro__), cls.__name__))


def addProperties() -> None:
    """Give every Qt class its properties as attributes, and PythonQt's name, className and delete."""
    _keepSingletonsAlive()
    for cls in qtClasses():
        _addOwnProperties(cls)
        _coverHiddenProperties(cls)
    QtCore.QObject.name = PythonQtProperty("objectName", None)
    QtCore.QObject.className = lambda self: type(self).__name__
    QtCore.QObject.delete = lambda self: self.deleteLater()


def _keepSingletonsAlive() -> None:
    """Make None, True and False as good as immortal, as Python 3.12 does.

    PySide6 6.12 relies on that also before 3.12: every call that returns nothing drops a reference to None, every
    emitted signal one to True, until the interpreter aborts.
    """
    if sys.version_info >= (3, 12):
        return
    for value in (None, True, False):
        ctypes.c_ssize_t.from_address(id(value)).value += 1 << 40  # the reference count comes first in an object


def _accessor(cls: type, name: str) -> Any:
    for base in cls.__mro__:
        if name in vars(base):
            found = vars(base)[name]
            return found.method if isinstance(found, PythonQtProperty) else found
    return None


def _addOwnProperties(cls: type) -> None:
    meta = cls.staticMetaObject
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        name = meta.property(index).name()
        accessor = _accessor(cls, name)
        if name not in _VIRTUAL and name not in _METHODS and not isinstance(accessor, QtCore.Signal):
            setattr(cls, name, PythonQtProperty(name, accessor))


def _coverHiddenProperties(cls: type) -> None:
    """A subclass that overrides the accessor in C++ would hide the property of its base."""
    for base in cls.__mro__[1:]:
        for name, found in list(vars(base).items()):
            own = vars(cls).get(name)
            if isinstance(found, PythonQtProperty) and own is not None and not isinstance(own, PythonQtProperty):
                setattr(cls, name, PythonQtProperty(name, own))
