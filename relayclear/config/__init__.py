"""relayclear's own settings: every key, its default, its origin.  Hermes' config is read elsewhere."""
