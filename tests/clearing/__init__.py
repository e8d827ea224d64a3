"""How work is decided, against its own tables."""
