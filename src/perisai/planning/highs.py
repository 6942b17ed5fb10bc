"""A solver that says nothing: standard output belongs to the command that runs it."""

import highspy


class Highs(highspy.Highs):
    """HiGHS with its log off before its first word: made in the usual way, 1.16 prints a banner."""

    def enableCallbacks(self) -> None:
        """Called while the solver is made."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()


def solver_of(gap: float, seconds: float) -> Highs:
    """A silent solver on one thread. gap: share of the value at which it stops; seconds: limit of time."""
    solver = Highs()
    for name, value in (("threads", 1), ("mip_rel_gap", gap), ("time_limit", seconds)):
        solver.setOptionValue(name, value)
    return solver
