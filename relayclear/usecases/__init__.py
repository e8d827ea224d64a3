"""What can be done, one verb a module; the only callers of the ports."""
