"""What measurements mean: findings, and which of them others explain."""
