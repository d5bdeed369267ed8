"""y = 2x - 1 on seven points, a 1-4-2-1 network with ReLU everywhere: how many runs are born dead?

`python benchmarks/born_dead.py [--networks 400] [--draws 1000000] [--epochs 2500]` draws networks
from the starts of Keras (Glorot uniform, biases 0) and of PyTorch, counts those that are off, and
trains some, as asked and with two changes: docs/howto/line-relu-never-moves.md.
"""

import argparse
import itertools
import math
import time

import torch

WIDTHS = (1, 4, 2, 1)
X = torch.arange(-1.0, 6.0)
Y = 2 * X - 1


def start(name, count):
    """Weights and biases of `count` networks, layer by layer."""
    found = []
    for below, above in itertools.pairwise(WIDTHS):
        reach = math.sqrt(6 / (below + above)) if name == "Keras" else 1 / math.sqrt(below)
        weight = (2 * torch.rand(count, above, below) - 1) * reach
        bias = torch.zeros(count, above, 1)
        if name == "PyTorch":
            bias = (2 * torch.rand(count, above, 1) - 1) * reach
        found += [weight, bias]
    return found


def outputs(parameters, slope, last):
    """Shape (networks, points)."""
    h = X.expand(len(parameters[0]), 1, len(X))
    for layer in range(3):
        h = parameters[2 * layer] @ h + parameters[2 * layer + 1]
        if layer < 2:
            h = torch.nn.functional.leaky_relu(h, slope)
    return (torch.relu(h) if last else h)[:, 0]


def train(parameters, slope, last, epochs):
    """The mean squared errors of all networks after full-batch Adam with step 0.01."""
    for p in parameters:
        p.requires_grad_()
    adam = torch.optim.Adam(parameters, lr=0.01)
    for _ in range(epochs):
        adam.zero_grad()
        ((outputs(parameters, slope, last) - Y) ** 2).mean(1).sum().backward()
        adam.step()
    with torch.no_grad():
        return ((outputs(parameters, slope, last) - Y) ** 2).mean(1)


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--networks", type=int, default=400)
    parser.add_argument("--draws", type=int, default=1_000_000)
    parser.add_argument("--epochs", type=int, default=2_500)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name in ("Keras", "PyTorch"):
        torch.manual_seed(0)
        drawn = outputs(start(name, args.draws), 0.0, True)
        everywhere, right = (drawn == 0).all(1).sum(), (drawn[:, 2:] == 0).all(1).sum()
        shares = f"{everywhere / args.draws:.1%} off everywhere, {right / args.draws:.1%} at x > 0"
        print(f"{name}: of {args.draws} {shares}", flush=True)
        for slope, last in ((0.0, True), (0.0, False), (0.1, False)):
            begin = time.process_time()
            torch.manual_seed(1)
            loss = train(start(name, args.networks), slope, last, args.epochs)
            best = loss < (1.43 if last else 0.01)
            seconds = time.process_time() - begin
            what = "as asked" if last else f"no last ReLU, slope {slope} below 0"
            print(f"  {what}: {best.float().mean():.0%} fit, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
