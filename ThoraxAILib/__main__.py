"""``python -m ThoraxAILib`` is ``thoraxai``, for interpreters that have no console script (PythonSlicer)."""

import sys

from ThoraxAILib.cli.main import main

sys.exit(main())
