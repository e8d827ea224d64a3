"""The stand-in Hermes, held to what the real one was seen to do."""
