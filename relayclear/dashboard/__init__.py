"""The terminal screen: reads the database alone, and asks for acts; it owns no behaviour."""
