"""How `from_torch` reads what `torch.export` traces. Needs the extra `torch`."""
