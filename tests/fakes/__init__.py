"""Thin fakes of the ports over the rehearsal world, and the words in which tests tell what happens there."""
