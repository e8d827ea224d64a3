"""The relayer we drive: reads its config, runs its command line, never believes its exit code."""
