"""Networks of this project to and from PyTorch modules and files of weights."""
