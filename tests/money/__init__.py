"""What is owed to whom, against its own tables."""
