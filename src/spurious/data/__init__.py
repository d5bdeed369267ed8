"""Datasets as arrays, for large networks: MNIST, scikit-learn's digits, the zig-zag."""

from spurious.data.array_data import ARRAY_DATASETS, ArrayData, array_data
from spurious.data.idx import read_idx
from spurious.data.mnist import FOLDER_VARIABLE, mnist
from spurious.data.prepare import permuted, whitened
from spurious.data.zigzag import zigzag

__all__ = [
    "ARRAY_DATASETS",
    "FOLDER_VARIABLE",
    "ArrayData",
    "array_data",
    "mnist",
    "permuted",
    "read_idx",
    "whitened",
    "zigzag",
]
