"""The screen, driven by keys over real databases."""
