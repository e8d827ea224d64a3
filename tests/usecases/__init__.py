"""The use cases, over fakes of the ports."""
