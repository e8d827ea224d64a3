"""Secrets are planted wherever an operator keeps them, and then looked for wherever they must not be."""
