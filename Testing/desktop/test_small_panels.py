"""CardiacBiomech and Anonymizer load, say what they are for and reload."""

from __future__ import annotations

import pytest

MODULES = ("CardiacBiomech", "Anonymizer")


@pytest.mark.parametrize("name", MODULES)
def test_the_module_has_a_title_and_a_category(open_module, slicer_app, name):
    open_module(name)
    module = getattr(slicer_app.modules, name.lower())
    assert module.title
    assert module.categories
    assert "Research use only" in module.helpText


@pytest.mark.parametrize("name", MODULES)
def test_its_self_test_passes(open_module, slicer_app, name):
    open_module(name)
    test = getattr(slicer_app.modules, name.lower()).pythonModule
    getattr(test, f"{name}Test")().runTest()


@pytest.mark.parametrize("name", MODULES)
def test_reload_reads_the_lib_again(reloading, open_module, slicer_app, name):
    before = open_module(name)
    before.onReload()
    after = slicer_app.util.getModuleWidget(name)
    assert type(after) is not type(before)
    assert after.ui.purposeLabel.text
