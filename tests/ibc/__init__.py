"""The field's words and rules, each against its own table."""
