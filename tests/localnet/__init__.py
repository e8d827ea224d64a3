"""A real network on one machine: two Cosmos chains of different generations and Hermes."""
