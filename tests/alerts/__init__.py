"""What leaves the house to call a person."""
