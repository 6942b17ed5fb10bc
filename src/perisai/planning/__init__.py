"""Where scarce sensors and sirens protect the most people."""
