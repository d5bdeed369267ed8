"""Every local minimum of a shallow network with weight decay."""
