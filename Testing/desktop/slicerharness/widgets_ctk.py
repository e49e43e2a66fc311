"""The ctk widgets the panels use: the properties, signals and behaviour of CTK as far as panels rely on them."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

from slicerharness.overrides import guarded

_HEADER_HEIGHT = 26
_UNLIMITED = 16_777_215


class ctkCollapsibleButton(QtWidgets.QAbstractButton):  # noqa: N801
    """A titled section; ``collapsed`` hides its children."""

    contentsCollapsed = Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._collapsed = False
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(2, _HEADER_HEIGHT, 2, 2)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Preferred)
        self.toggled.connect(lambda checked: self._collapse(not checked))

    def _isCollapsed(self) -> bool:
        return self._collapsed

    def _setCollapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    def _collapse(self, collapsed: bool) -> None:
        self._collapsed = collapsed
        direct = QtCore.Qt.FindChildOption.FindDirectChildrenOnly
        for child in self.findChildren(QtWidgets.QWidget, options=direct):
            child.setVisible(not collapsed)
        self.setMaximumHeight(_HEADER_HEIGHT + 2 if collapsed else _UNLIMITED)
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    collapsed = Property(bool, _isCollapsed, _setCollapsed, notify=contentsCollapsed)

    @guarded
    def hitButton(self, position: QtCore.QPoint) -> bool:
        """Only the title reacts to the mouse."""
        return position.y() <= _HEADER_HEIGHT

    def sizeHint(self) -> QtCore.QSize:
        """The layout's wish, or the title alone."""
        if self._collapsed or self.layout() is None:
            return QtCore.QSize(100, _HEADER_HEIGHT + 2)
        return self.layout().totalSizeHint()

    def minimumSizeHint(self) -> QtCore.QSize:
        """The least the layout needs, or the title alone."""
        if self._collapsed or self.layout() is None:
            return QtCore.QSize(60, _HEADER_HEIGHT + 2)
        return self.layout().totalMinimumSize()

    @guarded
    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        """A title bar with an arrow and a bold caption, as CTK draws it."""
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect = QtCore.QRect(0, 0, self.width(), _HEADER_HEIGHT - 2)
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(8, (_HEADER_HEIGHT - 12) // 2, 10, 10)
        element = QtWidgets.QStyle.PrimitiveElement
        painter.drawPrimitive(
            element.PE_IndicatorArrowRight if self._collapsed else element.PE_IndicatorArrowDown, arrow
        )
        painter.drawText(option.rect.adjusted(24, 0, -4, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, self.text())


class ctkSliderWidget(QtWidgets.QWidget):  # noqa: N801
    """A slider and a spin box that share one value."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers = {"minimum": 0.0, "maximum": 99.0, "singleStep": 1.0, "pageStep": 10.0}
        self._decimals, self._value = 2, 0.0
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self._spinBox = QtWidgets.QDoubleSpinBox()
        layout.addWidget(self._slider, 1)
        layout.addWidget(self._spinBox)
        self._show()
        self._slider.valueChanged.connect(self._fromSlider)
        self._spinBox.valueChanged.connect(self.setValue)

    def _fromSlider(self, position: int) -> None:
        self.setValue(self._numbers["minimum"] + position * self._numbers["singleStep"])

    def _show(self) -> None:
        low, high, step = (self._numbers[name] for name in ("minimum", "maximum", "singleStep"))
        for part in (self._slider, self._spinBox):
            part.blockSignals(True)
        self._slider.setRange(0, round((high - low) / step))
        self._slider.setValue(round((self._value - low) / step))
        self._spinBox.setDecimals(self._decimals)
        self._spinBox.setRange(low, high)
        self._spinBox.setSingleStep(step)
        self._spinBox.setValue(self._value)
        for part in (self._slider, self._spinBox):
            part.blockSignals(False)

    def _getValue(self) -> float:
        return self._value

    def setValue(self, value: float) -> None:
        """Set the value, within the range; emits valueChanged when it changed."""
        value = round(min(max(float(value), self._numbers["minimum"]), self._numbers["maximum"]), self._decimals + 2)
        changed, self._value = value != self._value, value
        self._show()
        if changed:
            self.valueChanged.emit(value)

    def _getDecimals(self) -> int:
        return self._decimals

    def _setDecimals(self, decimals: int) -> None:
        self._decimals = decimals
        self._show()

    @staticmethod
    def _number(name: str) -> Property:
        def read(self: ctkSliderWidget) -> float:
            return self._numbers[name]

        def write(self: ctkSliderWidget, value: float) -> None:
            self._numbers[name] = value
            self.setValue(self._value)

        return Property(float, read, write)

    value = Property(float, _getValue, setValue, notify=valueChanged)
    decimals = Property(int, _getDecimals, _setDecimals)
    minimum = _number("minimum")
    maximum = _number("maximum")
    singleStep = _number("singleStep")
    pageStep = _number("pageStep")


class ctkPathLineEdit(QtWidgets.QWidget):  # noqa: N801
    """A line edit for a file or folder with a browse button; ``filters`` decides which, see CTK."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)
    Files, Readable, Dirs, Writable = 0x002, 0x010, 0x001, 0x020

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._settingKey, self._filters, self._label = "", self.Files | self.Readable, ""
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._edit = QtWidgets.QLineEdit()
        layout.addWidget(self._edit)
        browse = QtWidgets.QToolButton()
        browse.setText("…")
        layout.addWidget(browse)
        self._edit.textChanged.connect(self.currentPathChanged.emit)

    def _getPath(self) -> str:
        return self._edit.text()

    def setCurrentPath(self, path: str) -> None:
        """Show this path."""
        self._edit.setText(path)

    def addCurrentPathToHistory(self) -> None:
        """CTK remembers the path in the settings; nothing is kept here."""

    @staticmethod
    def _plain(kind: type, attribute: str) -> Property:
        return Property(
            kind, lambda self: getattr(self, attribute), lambda self, value: setattr(self, attribute, value)
        )

    currentPath = Property(str, _getPath, setCurrentPath, notify=currentPathChanged)
    settingKey = _plain(str, "_settingKey")
    label = _plain(str, "_label")
    filters = _plain(int, "_filters")


class ctkMessageBox(QtWidgets.QMessageBox):  # noqa: N801
    """A message box; the harness never shows one, see session."""


CTK_WIDGETS: dict[str, type] = {
    cls.__name__: cls for cls in (ctkCollapsibleButton, ctkSliderWidget, ctkPathLineEdit, ctkMessageBox)
}
