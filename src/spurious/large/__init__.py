"""Networks too large for the small engine: trained in ensembles on JAX, with the same recipes.

`LargeRecipe` needs no JAX; the modules `ensemble`, `rows` and `training` do (the extra
`spurious[large]`), and are imported where they are used.
"""

from spurious.large.recipe import LARGE_VERSION, LargeRecipe

__all__ = ["LARGE_VERSION", "LargeRecipe"]
