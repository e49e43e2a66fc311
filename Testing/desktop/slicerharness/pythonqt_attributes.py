"""No new attributes on C++ objects: ``button.enabeld = True`` raises as it does in PythonQt."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from PySide6 import QtCore

from slicerharness.pythonqt_properties import isNative, qtClasses

_writeProperty = QtCore.QObject.setProperty
# CPython refuses QObject.__setattr__ from a subclass ("can't apply this __setattr__"), its own function is not refused
_genericSetattr = ctypes.pythonapi.PyObject_GenericSetAttr
_genericSetattr.argtypes = [ctypes.py_object] * 3
_genericSetattr.restype = ctypes.c_int


def forbidNewAttributes() -> None:
    """Guard every Qt class; each Shiboken class carries its own slot, so each one is set."""
    for cls in qtClasses():
        cls.__setattr__ = _setattr


def _setattr(self: QtCore.QObject, name: str, value: Any) -> None:
    cls = type(self)
    written = cls.__module__.startswith(("PySide6", "slicerharness"))
    if written and not hasattr(cls, name) and not isNative(sys._getframe(1)):
        raise AttributeError(
            f"Attribute '{name}' does not exist on {cls.__name__} and creating new attributes on C++ objects "
            f"is not allowed"
        )
    for base in cls.__mro__:
        if name in vars(base):
            if isinstance(vars(base)[name], QtCore.Property):  # Shiboken resolves these in its own slot
                _writeProperty(self, name, value)
                return
            break
    _genericSetattr(self, name, value)
