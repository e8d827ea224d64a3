"""The command line: one module a noun, each translating between words and use cases."""
