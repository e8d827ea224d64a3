"""How work is decided: operations, attempts and their states.  Pure."""
