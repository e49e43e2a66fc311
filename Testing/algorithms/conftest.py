"""Fixtures for algorithm tests: synthetic DICOM series, and what an error message must look like."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from ThoraxAILib.errors import InputError


@pytest.fixture(scope="session")
def dicom_series() -> ModuleType:
    """The module that writes synthetic DICOM series (see dicom_series_builder.py)."""
    sys.path.insert(0, str(Path(__file__).parent))
    import dicom_series_builder

    return dicom_series_builder


@pytest.fixture(scope="session")
def refused() -> Callable[[str], AbstractContextManager[None]]:
    """``with refused("some words"):`` expects an InputError of one sentence with these words and nothing private."""

    @contextmanager
    def expect(words: str) -> Iterator[None]:
        with pytest.raises(InputError) as caught:
            yield
        message = str(caught.value)
        assert re.search(words, message), message
        assert message.endswith(".")
        assert "\n" not in message
        assert not re.search(r"[.!?] [A-Z]", message), f"more than one sentence: {message}"
        assert not re.search(r"Doe|Secret|SECRET", message), f"names a person: {message}"

    return expect
