"""What is owed to whom: quotes, tokens, settlements, refunds, books.  Pure; amounts are integers."""
