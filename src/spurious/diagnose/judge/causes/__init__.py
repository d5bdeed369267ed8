"""Checks that look for causes: each looks at a scene and says what is wrong, or None."""
