"""Ways out of the house: one module a channel."""
