"""The field's words: coins, packets, channels, what a packet's state means.  Pure."""
