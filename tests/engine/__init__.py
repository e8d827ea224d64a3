"""The engine on real SQLite files."""
