"""The command line: run in this process over the simulated world, and as a process where that matters."""
