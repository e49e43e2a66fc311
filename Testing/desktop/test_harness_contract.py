"""The harness behaves like PythonQt where panels rely on it, and does not let a mistake pass."""

from __future__ import annotations

import pytest

UI = """<ui version="4.0"><class>Panel</class><widget class="qMRMLWidget" name="Panel">
<layout class="QVBoxLayout" name="l"><item><widget class="{widget}" name="part">{property}</widget></item></layout>
</widget><connections>{connection}</connections></ui>"""


@pytest.fixture
def load_ui(slicer_app, tmp_path):
    def load(widget="QPushButton", property="", connection=""):
        path = tmp_path / "panel.ui"
        path.write_text(UI.format(widget=widget, property=property, connection=connection))
        return slicer_app.util.loadUI(str(path))

    return load


def test_properties_are_attributes_and_setters_stay(slicer_app):
    import qt

    button = qt.QPushButton("Go")
    assert button.text == "Go"
    button.text = "Stop"
    assert button.text == "Stop"
    button.setText("Wait")
    assert button.text == "Wait"
    button.enabled = False
    assert button.isEnabled() is False


def test_calling_a_property_is_an_error_as_in_pythonqt(slicer_app):
    import qt

    with pytest.raises(TypeError):
        qt.QPushButton("Go").text()


def test_name_is_the_object_name(slicer_app):
    import qt

    button = qt.QPushButton()
    button.name = "goButton"
    assert button.objectName == "goButton"


def test_a_misspelled_property_is_an_error(slicer_app):
    import qt

    button = qt.QPushButton()
    with pytest.raises(AttributeError):
        button.enabeld = True
    with pytest.raises(AttributeError):
        print(button.enabeld)


def test_slots_get_as_many_arguments_as_they_take(slicer_app):
    import qt

    button, got = qt.QPushButton(), []
    button.connect("clicked()", lambda: got.append("none"))
    button.connect("clicked(bool)", got.append)
    button.click()
    assert got == ["none", False]


def test_disconnected_slots_are_not_called(slicer_app):
    import qt

    button, got = qt.QPushButton(), []
    button.connect("clicked(bool)", got.append)
    assert button.disconnect("clicked(bool)", got.append)
    button.click()
    assert got == []


@pytest.mark.parametrize("signature", ["clickd()", "clicked", "clicked(int)", "clicked(bool,bool)", "text()"])
def test_an_unknown_signal_is_an_error(slicer_app, signature):
    import qt

    with pytest.raises(ValueError, match="no such signal"):
        qt.QPushButton().connect(signature, print)


@pytest.mark.parametrize("signature", ["currentNodeChanged()", "currentNodeChange(vtkMRMLNode*)"])
def test_an_unknown_signal_of_a_mrml_widget_is_an_error(slicer_app, signature):
    selector = slicer_app.qMRMLNodeComboBox()
    with pytest.raises(ValueError, match="no such signal"):
        selector.connect(signature, print)
    assert selector.connect("currentNodeChanged(vtkMRMLNode*)", print)


def test_an_unknown_widget_class_in_a_ui_file_is_an_error(load_ui):
    with pytest.raises(RuntimeError, match="qMRMLNoSuchWidget"):
        load_ui(widget="qMRMLNoSuchWidget")


def test_an_unknown_property_in_a_ui_file_is_an_error(load_ui):
    with pytest.raises(RuntimeError, match="textt"):
        load_ui(property='<property name="textt"><string>Go</string></property>')


def test_an_unknown_signal_in_a_ui_file_is_an_error(load_ui):
    connection = (
        "<connection><sender>part</sender><signal>clicke()</signal><receiver>Panel</receiver>"
        "<slot>close()</slot></connection>"
    )
    with pytest.raises(ValueError, match="clicke"):
        load_ui(connection=connection)


def test_the_node_selector_follows_the_real_scene(slicer_app, load_ui):
    panel = load_ui(
        widget="qMRMLNodeComboBox",
        property=(
            '<property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>'
            '<property name="noneEnabled"><bool>true</bool></property>'
        ),
    )
    selector = slicer_app.util.childWidgetVariables(panel).part
    selector.setMRMLScene(slicer_app.mrmlScene)
    assert selector.currentNode() is None
    node = slicer_app.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    slicer_app.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "no volume")
    assert selector.nodeCount() == 1
    selector.setCurrentNode(node)
    slicer_app.mrmlScene.RemoveNode(node)
    assert selector.currentNode() is None


def test_a_collapsed_section_hides_its_content(slicer_app):
    import ctk
    import qt

    section = ctk.ctkCollapsibleButton()
    layout = qt.QVBoxLayout(section)
    label = qt.QLabel("inside")
    layout.addWidget(label)
    section.collapsed = True
    assert label.isHidden()
    section.click()
    assert not section.collapsed
    assert not label.isHidden()
