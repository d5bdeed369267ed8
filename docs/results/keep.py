"""Writes the verdicts of docs/results/* into the package, where every report reads them.

python docs/results/keep.py

Each folder has `claims.json`, as `spurious reproduce` wrote it, and `run.toml`: the command and
the date of that run.
"""

import json
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "src" / "spurious" / "studies" / "report" / "results"
KEYS = ("id", "budget", "verdict", "printed", "measured")


def kept(folder: Path) -> str:
    """The package's file for one folder of results."""
    run = tomllib.loads((folder / "run.toml").read_text("utf-8"))
    claims = json.loads((folder / "claims.json").read_text("utf-8"))
    value = {
        "source": f"docs/results/{folder.name}",
        "command": run["command"],
        "date": run["date"],
        "claims": [{key: claim[key] for key in KEYS} for claim in claims],
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path in sorted(HERE.glob("*/run.toml")):
        (PACKAGE / f"{path.parent.name}.json").write_text(kept(path.parent), "utf-8")
