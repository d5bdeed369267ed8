"""Looks at a model, without training it: numbers of units, outputs, loss, surface and optimiser."""
