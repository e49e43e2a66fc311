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
def test_reload_reads_the_lib_again(open_module, slicer_app, name):
    before = open_module(name)
    before.onReload()
    after = slicer_app.util.getModuleWidget(name)
    assert type(after) is not type(before)
    assert after.ui.purposeLabel.text


def test_the_heart_panel_names_every_command_there_is(open_module, capsys):
    from ThoraxAILib.cli.main import main

    named = open_module("CardiacBiomech").ui.commandsLabel.text
    assert main(["cardiac", "--help"]) == 0
    listed = [
        line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ") and line[4] != " "
    ]
    assert listed
    for command in listed:
        assert f"thoraxai cardiac {command}:" in named
