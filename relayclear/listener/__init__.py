"""Health and metrics over HTTP, for the machines that watch the daemon: loopback, or a token."""
