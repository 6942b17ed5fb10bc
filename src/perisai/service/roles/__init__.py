"""The roles of a running service: each follows one stream of the bus and publishes to the next."""
