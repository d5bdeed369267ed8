"""Reading models and losses written in PyTorch. Needs the extra `torch`."""

from spurious.program.torch.front_end import from_torch

__all__ = ["from_torch"]
