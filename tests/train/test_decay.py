"""Weight decay in the engine, against PyTorch step for step and against the program's own loss."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from spurious.certify.float_program import loss_function
from spurious.errors import InputError
from spurious.problem import Loss, Network, Penalty, ProgramProblem, dataset
from spurious.train import Initialisation, Optimiser, Recipe, train, train_and_name
