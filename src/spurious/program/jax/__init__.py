"""Reading losses written in JAX, and running programs in it. Needs the extra `jax`."""

from spurious.program.jax.arithmetic import Compiled, JaxArithmetic, compiled
from spurious.program.jax.dense import dense_outputs, jax_activation
from spurious.program.jax.front_end import from_jax

__all__ = ["Compiled", "JaxArithmetic", "compiled", "dense_outputs", "from_jax", "jax_activation"]
