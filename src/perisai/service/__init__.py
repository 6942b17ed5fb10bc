"""The stages run live on the bus."""
