"""What leaves the house to call a person: a webhook, a command, systemd."""
