"""Ensembles of large networks against one PyTorch network after another, and the machine's limit.

`python benchmarks/large.py [--quick] [--json] [--cores 2] [--out FILE]`. Both train the same
networks from the same starts on the same mini-batches of 50 with Adam in float32, on the same
cores; parameters after a few updates are compared first. Times are the best of three runs, taken in
turn. PyTorch runs with its default and its fused Adam, with one thread and all; the best counts.
The account: matrix products at the rate of a product of two 2048 x 2048 matrices, and Adam at the
rate at which memory is read and written, as measured in the same run.
"""

import argparse
import json
import os
import platform
from itertools import pairwise
from pathlib import Path
from time import perf_counter

BATCH, POINTS, STEP, CLASSES = 50, 2_000, 0.001, 10
CASES: list[tuple[int, tuple[int, ...], int]] = [
    (64, (10, 10), 24),
    (64, (40,) * 5, 24),
    (784, (25, 25), 24),
    (784, (100, 100), 24),
    (784, (400, 400), 8),
]
CHECKED, ROUNDS = 20, 3


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two cases")
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    parser.add_argument("--cores", type=int, default=2, help="cores for everybody (default 2)")
    parser.add_argument("--out", type=Path, help="also write the JSON lines to this file")
    return parser.parse_args()


def members(inputs: int, hidden: tuple[int, ...], networks: int) -> list:
    """Networks that differ in their index."""
    import numpy as np

    from spurious.data import ArrayData
    from spurious.large import LargeRecipe
    from spurious.large.ensemble import Member
    from spurious.problem import Loss, Network
    from spurious.train import Initialisation, Optimiser

    rng = np.random.default_rng(1)
    x = rng.random((POINTS, inputs), np.float32)
    data = ArrayData("random", x, 1.0, rng.integers(0, CLASSES, POINTS), CLASSES)
    recipe = LargeRecipe(
        Network((inputs, *hidden, CLASSES), "relu"),
        Loss.CROSS_ENTROPY,
        data,
        Initialisation("pytorch"),
        Optimiser("adam", STEP),
        1_000_000,
        BATCH,
    )
    return [Member(recipe, 1, index) for index in range(networks)]


def ours(networks: list, updates: int):
    """Parameters after some updates, and a function that times an update of all networks."""
    from dataclasses import replace

    from spurious.large.ensemble import Ensemble, Member, State
    from spurious.large.model import to_flat

    ensemble = Ensemble(
        [Member(replace(m.recipe, updates=updates), m.seed, m.index) for m in networks]
    )
    state: State = ensemble.start()
    while state.step < updates:
        state = ensemble.advance(state)
    parameters = to_flat(state.parameters)

    def seconds(count: int) -> float:
        begin = perf_counter()
        end = ensemble.updated(state, count)
        end.parameters[0][0].block_until_ready()
        return (perf_counter() - begin) / count

    return parameters, seconds


def torch_network(member, updates: int, fused: bool):
    """The parameters of one network after some updates, and seconds for an update."""
    import numpy as np
    import torch

    from spurious.large.batches import Batches
    from spurious.large.ensemble import starts_of

    recipe = member.recipe
    x = torch.from_numpy(recipe.data.inputs)
    y = torch.from_numpy(recipe.data.targets)
    layers = []
    for wide, high in pairwise(recipe.network.widths):
        layers += [torch.nn.Linear(wide, high), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    start = torch.from_numpy(starts_of([member])[0])
    torch.nn.utils.vector_to_parameters(start, model.parameters())
    rule = torch.optim.Adam(model.parameters(), STEP, fused=fused)
    places, _ = Batches(len(x), BATCH, [(member.seed, member.index)]).block(0, updates, updates)
    chosen = torch.from_numpy(places[:, 0].astype(np.int64))
    begin = perf_counter()
    for row in chosen:
        rule.zero_grad()
        outputs = model(x[row])
        loss = torch.nn.functional.cross_entropy(outputs, y[row], reduction="sum")
        (loss * (len(x) / BATCH)).backward()
        rule.step()
    seconds = (perf_counter() - begin) / updates
    flat = torch.nn.utils.parameters_to_vector(model.parameters()).detach().numpy()
    return flat, seconds


def machine() -> dict[str, float]:
    """Matrix products in GFLOP/s, and memory traffic in GB/s, on all cores."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    a = jnp.asarray(np.random.default_rng(0).random((2048, 2048), np.float32))
    flat = jnp.zeros(2**23, jnp.float32)
    product = jax.jit(lambda m: m @ m)
    traffic = jax.jit(lambda v: jax.lax.fori_loop(0, 20, lambda _, u: u * 0.5 + 1.0, v))
    rates = []
    for action, value, work in ((product, a, 2 * 2048**3), (traffic, flat, 20 * 8 * 2**23)):
        action(value).block_until_ready()
        best = np.inf
        for _ in range(5):
            begin = perf_counter()
            action(value).block_until_ready()
            best = min(best, perf_counter() - begin)
        rates.append(work / best / 1e9)
    return {"products": rates[0], "traffic": rates[1]}


def account(inputs: int, hidden: tuple[int, ...], rates: dict[str, float]) -> tuple[float, float]:
    """Seconds that the products and Adam's traffic of one network's update take at the limit."""
    widths = (inputs, *hidden, CLASSES)
    layers = [a * b for a, b in pairwise(widths)]
    flops = 2 * BATCH * (3 * sum(layers) - layers[0])  # the inputs need no derivative
    parameters = sum(layers) + sum(widths[1:])
    # Gradient written and read; parameters and both moments read and written.
    return flops / rates["products"] / 1e9, 8 * 4 * parameters / rates["traffic"] / 1e9


def compare(inputs: int, hidden: tuple[int, ...], networks: int, cores: int) -> dict:
    import numpy as np
    import torch

    group = members(inputs, hidden, networks)
    mine, seconds = ours(group, CHECKED)
    theirs = np.stack([torch_network(member, CHECKED, False)[0] for member in group[:3]])
    off = np.abs(theirs - mine[:3])
    count = max(5, min(200, round(0.5 / seconds(5))))
    best, other, ways = np.inf, np.inf, [(f, t) for f in (False, True) for t in {1, cores}]
    way = ""
    rates = {"products": 0.0, "traffic": 0.0}
    for _ in range(ROUNDS):
        best = min(best, seconds(count) / networks)
        for fused, threads in ways:
            torch.set_num_threads(threads)
            found = torch_network(group[0], 150, fused)[1]
            if found < other:
                other, way = found, f"{'fused, ' if fused else ''}{threads} threads"
        now = machine()
        rates = {key: max(rates[key], now[key]) for key in rates}
    products, traffic = account(inputs, hidden, rates)
    return {
        "widths": [inputs, *hidden, CLASSES],
        "networks": networks,
        "microseconds": best * 1e6,
        "torch": other * 1e6,
        "torch way": way,
        "times torch": other / best,
        "difference": float(off.max()),
        "median difference": float(np.median(off)),
        "share off by more than 1e-5": float((off > 1e-5).mean()),
        "products at the limit": products * 1e6,
        "Adam at the limit": traffic * 1e6,
        "share of the products' limit": products / best,
        "machine": rates,
    }


def main() -> None:
    arguments = parse()
    cores = sorted(os.sched_getaffinity(0))[: arguments.cores]
    os.sched_setaffinity(0, cores)  # before any engine counts them
    lines: list[dict] = [
        {"python": platform.python_version(), "machine": platform.machine(), "cores": len(cores)}
    ]
    for case in CASES[:3:2] if arguments.quick else CASES:
        line = compare(*case, len(cores))
        lines.append(line)
        if arguments.json:
            print(json.dumps(line), flush=True)
            continue
        rates = line["machine"]
        print(
            f"{'-'.join(map(str, line['widths'])):24} N={line['networks']:<3} "
            f"{line['microseconds']:7.0f} us, {line['times torch']:5.1f} x PyTorch "
            f"({line['torch']:.0f} us, {line['torch way']}); "
            f"products {line['products at the limit']:.0f}, "
            f"Adam {line['Adam at the limit']:.0f} us at {rates['products']:.0f} GFLOP/s and "
            f"{rates['traffic']:.0f} GB/s; difference {line['difference']:.0e}, "
            f"median {line['median difference']:.0e}, above 1e-5 for "
            f"{line['share off by more than 1e-5']:.1e} of the parameters",
            flush=True,
        )
    if arguments.out:
        arguments.out.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


if __name__ == "__main__":
    main()
