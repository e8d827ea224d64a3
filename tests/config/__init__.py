"""The config room: every key, its default, its origin, and what is said of a wrong one."""
