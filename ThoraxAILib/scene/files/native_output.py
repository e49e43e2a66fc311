"""What C++ libraries write to stderr by themselves (ITK's exception texts) as debug log records."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2


@contextmanager
def stderr_to_logging() -> Iterator[None]:
    """While the block runs, everything written to stderr is kept back; afterwards it is logged at debug level.

    The block's own exception is the one sentence a person needs. Does nothing where there is no stderr (a windowed
    application).
    """
    try:
        original = os.dup(STDERR)
    except OSError:
        yield
        return
    with tempfile.TemporaryFile() as kept:
        try:
            os.dup2(kept.fileno(), STDERR)
            yield
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(original, STDERR)
            os.close(original)
            kept.seek(0)
            text = kept.read().decode(errors="replace").strip()
            if text:
                logging.getLogger(__name__).debug("%s", text)
