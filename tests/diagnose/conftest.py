"""Small tensors: more threads would only get in the way of the other test processes."""

import torch

torch.set_num_threads(1)
