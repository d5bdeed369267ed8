"""The losses."""

import enum


class Loss(enum.StrEnum):
    """A loss summed over the dataset, for outputs f of shape (n, K).

    * ``squared``: sum over points i and outputs k of (f_ik - y_ik)^2, with targets y of shape
      (n, K). A plain sum: no factor 1/2, no mean.
    * ``logistic``: sum over points i and outputs k of log(1 + exp(-y_ik f_ik)), with every
      y_ik in {-1, +1}.
    * ``cross_entropy``: sum over points i of log(sum over k of exp f_ik) - f_i,label(i), the
      softmax cross entropy, with y of shape (n, 1) holding one integer label in 0, ..., K-1 per
      point, and K >= 2.

    Examples:
        >>> import spurious
        >>> spurious.dataset("xor").loss
        <Loss.LOGISTIC: 'logistic'>
    """

    SQUARED = "squared"
    LOGISTIC = "logistic"
    CROSS_ENTROPY = "cross_entropy"
