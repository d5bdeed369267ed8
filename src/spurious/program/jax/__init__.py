"""Reading losses written in JAX, and running programs in it. Needs the extra `jax`."""

from spurious.program.jax.front_end import from_jax

__all__ = ["from_jax"]
