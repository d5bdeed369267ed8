"""The fuzzer lives beside the benchmarks, which are scripts: their folder has to be on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
