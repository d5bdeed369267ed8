"""Small plans for tests, and comparison of stores."""

from hashlib import sha256
from pathlib import Path

from spurious.sweep import Plan, parse_plan

SMALL = """
name = "small"
seed = 3
runs = 150
shard = 40

[grid]
dataset = ["xor", "jellyfish"]
hidden = [2, 3]
activation = "relu"
loss = "squared"
initialisation = "pytorch"
optimiser = ["adam", { name = "momentum", momentum = 0.8 }]
step_size = 0.02
updates = 300
"""


def small(**changes: str) -> Plan:
    """The small plan, with lines replaced by key."""
    lines = SMALL.splitlines()
    for key, value in changes.items():
        lines = [f"{key} = {value}" if line.startswith(f"{key} ") else line for line in lines]
    return parse_plan("\n".join(lines), "small", Path())


def contents(folder: Path) -> dict[str, str]:
    """Every file of a store with its hash."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
