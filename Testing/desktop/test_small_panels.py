"""CardiacBiomech and Anonymizer load, say what they are for and reload."""

from __future__ import annotations

import pytest

MODULES = ("CardiacBiomech", "Anonymizer")


@pytest.mark.parametrize("name", MODULES)
def test_the_module_has_a_title_and_a_category(openModule, slicerApp, name):
    openModule(name)
    module = getattr(slicerApp.modules, name.lower())
    assert module.title
    assert module.categories
    assert "Research use only" in module.helpText


@pytest.mark.parametrize("name", MODULES)
def test_its_self_test_passes(openModule, slicerApp, name):
    openModule(name)
    test = getattr(slicerApp.modules, name.lower()).pythonModule
    getattr(test, f"{name}Test")().runTest()


@pytest.mark.parametrize("name", MODULES)
def test_reload_reads_the_lib_again(openModule, slicerApp, name):
    before = openModule(name)
    before.onReload()
    after = slicerApp.util.getModuleWidget(name)
    assert type(after) is not type(before)
    assert after.ui.purposeLabel.text


def test_the_heart_panel_names_every_command_there_is(openModule, capsys):
    from ThoraxAILib.cli.main import main

    named = openModule("CardiacBiomech").ui.commandsLabel.text
    assert main(["cardiac", "--help"]) == 0
    listed = [
        line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ") and line[4] != " "
    ]
    assert listed
    for command in listed:
        assert f"thoraxai cardiac {command}:" in named
