"""Loops of training that are not the usual one: the mistakes that people make in them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from public_cases.program import Program, update


def in_order(program: Program) -> Iterator[Tensor]:
    """The points as they lie."""
    batches = torch.arange(len(program.x)).split(program.batch)
    for k in range(program.steps):
        yield update(program, batches[k % len(batches)])


def first_batch(program: Program) -> Iterator[Tensor]:
    """A new iterator for each update, of which the first batch is taken."""
    for _ in range(program.steps):
        yield update(program, next(iter(torch.arange(len(program.x)).split(program.batch))))


def gradients_kept(program: Program) -> Iterator[Tensor]:
    """Without `zero_grad`."""
    for _ in range(program.steps):
        rows = torch.randperm(len(program.x))[: program.batch]
        loss = program.loss(program.model(program.x[rows]), program.y[rows])
        loss.backward()
        program.optimiser.step()
        yield loss


def scheduled(program: Program, scheduler: torch.optim.lr_scheduler.LRScheduler,
              by_epoch: bool = False, steps_too: bool = True) -> Iterator[Tensor]:  # fmt: skip
    """With a scheduler, stepped with each batch or each epoch; maybe instead of the optimiser."""
    done = 0
    while done < program.steps:
        for rows in torch.randperm(len(program.x)).split(program.batch):
            loss = update(program, rows, steps_too)
            if not by_epoch:
                scheduler.step()
            done += 1
            yield loss
        if by_epoch:
            scheduler.step()


def one_update_an_epoch(program: Program) -> Iterator[Tensor]:
    """The optimiser steps behind the loop over batches: once an epoch, by the last batch."""
    done = 0
    while done < program.steps:
        for rows in torch.randperm(len(program.x)).split(program.batch):
            done += 1
            yield update(program, rows, step=False)
        program.optimiser.step()


def accumulated(program: Program, pieces: int) -> Iterator[Tensor]:
    """Gradients of some batches are added up; the count of batches starts anew each epoch."""
    done = 0
    program.optimiser.zero_grad()
    while done < program.steps:
        for k, rows in enumerate(torch.randperm(len(program.x)).split(program.batch)):
            loss = program.loss(program.model(program.x[rows]), program.y[rows])
            (loss / pieces).backward()
            if (k + 1) % pieces == 0:
                program.optimiser.step()
                program.optimiser.zero_grad()
            done += 1
            yield loss
