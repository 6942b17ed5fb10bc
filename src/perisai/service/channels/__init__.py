"""The ways out as the live service runs them: from `[[channel]]` settings to running channels."""
