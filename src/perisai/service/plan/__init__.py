"""Planning across the stages: nights from the simulator, the real chain before and after, and what is written."""
