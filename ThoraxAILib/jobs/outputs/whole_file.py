"""A file of results that is whole or not there, also when the program is stopped while it is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ThoraxAILib.errors import OutputError
from ThoraxAILib.jobs.outputs.output_folder import output_error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a hidden path beside ``path`` to write to, and put it in the place of an older file when all is written.

    Raises OutputError when it cannot be written; an older file stays as it was then.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    except OutputError:
        raise
    except OSError as error:
        raise output_error(error) from error
    finally:
        partial.unlink(missing_ok=True)
