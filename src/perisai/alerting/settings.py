"""What the decision may be told: leads, cost-loss ratios, hysteresis and dwell; and what operators may do."""

from typing import Literal

import msgspec

from perisai.model import THREATS, BadInputError


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When one kind of threat raises an alarm.

    lead_s: time people need to reach shelter. margin_s: time the decision, the message and the sirens need.
    alarm_ratio: cost of an alarm over the loss it averts: it goes up when the probability of an arrival about lead and
    margin ahead exceeds it. late_ratio: the same for arrivals sooner than the lead, of which it can only tell late.
    watch_ratio: the same for the watch and the whole horizon.
    release_after_s: with operators.release = "confirm", it goes out by itself after so long; None: never.
    """

    lead_s: float
    margin_s: float = 20.0
    alarm_ratio: float = 0.0175
    late_ratio: float = 0.2
    watch_ratio: float = 0.25
    release_after_s: float | None = None


class OperatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `Desk`; section [alerting.operators].

    release: automatic, or confirm: an operator lets each alert out. two_operators_people: an alert by hand, or a
    cancel, that touches more residents needs a second operator, who has approval_s to agree; what the same operator
    did alone in the last sum_s counts with it, so that many small ones are no way round. longest_s: the longest time
    an alert by hand or an extension may be set to last.
    """

    release: Literal["automatic", "confirm"] = "automatic"
    two_operators_people: int = 10_000
    approval_s: float = 300.0
    sum_s: float = 600.0
    longest_s: float = 14_400.0

    def __post_init__(self) -> None:
        """Raises BadInputError naming the setting at fault."""
        if self.two_operators_people < 0:
            raise BadInputError(
                "alerting.operators.two_operators_people", repr(self.two_operators_people), "0 or more residents"
            )
        for name in ("approval_s", "sum_s", "longest_s"):
            if not getattr(self, name) > 0.0:
                raise BadInputError(f"alerting.operators.{name}", repr(getattr(self, name)), "more than 0 seconds")


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `Alerter`; section [alerting] of perisai.toml.

    hold_ratio: a watch stays while its score is above this share of what raises it (hysteresis). hold_s: how long
    the score has to stay below before the all-clear. dwell_s: the least duration of an alert. look_s: an alarm is
    kept when another is expected within this time, so that no area goes quiet only to be woken again; expected means
    that the danger is sqrt(residents / keep_residents) times what raises an alarm, within keep_ratios.
    large_residents: a place with more raises its alarm at large_residents / residents times the ratio of others, but no
    less than large_ratio times: a city told late weighs more than as many people in many places.
    rest_s: after an all-clear no watch is raised for so long; an alarm is. uneasy_hold_s: hold_s where an alarm had
    come back within rest_s, until the area was quiet for 15 min: something circles there.
    watch_early_s: a watch is raised only for what is at least so far beyond the alarm's time.
    update_s: least time between two updates of an alert. max_step_s: a longer jump of the clock counts as one beat.
    prefix: first part of identifiers, set apart per sender. list_tracks: most tracks named in an alert.
    """

    drone: Policy = Policy(lead_s=300.0, alarm_ratio=0.01)
    cruise: Policy = Policy(lead_s=120.0, alarm_ratio=0.01)
    ballistic: Policy = Policy(lead_s=60.0, margin_s=60.0, release_after_s=10.0)
    glide_bomb: Policy = Policy(lead_s=60.0, margin_s=60.0)
    aircraft: Policy = Policy(lead_s=120.0, alarm_ratio=0.5, late_ratio=0.5, watch_ratio=0.9)
    other: Policy = Policy(lead_s=300.0, alarm_ratio=0.01)
    hold_ratio: float = 0.5
    hold_s: float = 20.0
    dwell_s: float = 120.0
    look_s: float = 200.0
    keep_residents: float = 20_000.0
    keep_ratios: tuple[float, float] = (0.5, 12.0)
    large_residents: float = 300_000.0
    large_ratio: float = 0.25
    rest_s: float = 120.0
    uneasy_hold_s: float = 180.0
    watch_early_s: float = 150.0
    update_s: float = 60.0
    max_step_s: float = 120.0
    prefix: str = "perisai"
    list_tracks: int = 20
    operators: OperatorSettings = OperatorSettings()

    def __post_init__(self) -> None:
        """Raises BadInputError naming the setting at fault."""
        for threat in THREATS:
            policy = self.policy(threat)
            for name in ("alarm_ratio", "late_ratio", "watch_ratio"):
                if not 0.0 < getattr(policy, name) < 1.0:
                    raise BadInputError(f"alerting.{threat}.{name}", repr(getattr(policy, name)), "between 0 and 1")
            for name in ("lead_s", "margin_s", "release_after_s"):
                if (getattr(policy, name) or 0.0) < 0.0:
                    raise BadInputError(f"alerting.{threat}.{name}", repr(getattr(policy, name)), "0 or more seconds")
        if not 0.0 < self.hold_ratio <= 1.0:
            raise BadInputError("alerting.hold_ratio", repr(self.hold_ratio), "above 0, at most 1")
        for name in ("keep_residents", "large_residents"):
            if not getattr(self, name) > 0.0:
                raise BadInputError(f"alerting.{name}", repr(getattr(self, name)), "more than 0 residents")
        if not 0.0 < self.large_ratio <= 1.0:
            raise BadInputError("alerting.large_ratio", repr(self.large_ratio), "above 0, at most 1")
        if not 0.0 < self.keep_ratios[0] <= self.keep_ratios[1]:
            raise BadInputError("alerting.keep_ratios", repr(self.keep_ratios), "two numbers above 0, the lower first")
        for name in ("hold_s", "dwell_s", "look_s", "rest_s", "uneasy_hold_s", "watch_early_s", "update_s"):
            if getattr(self, name) < 0.0:
                raise BadInputError(f"alerting.{name}", repr(getattr(self, name)), "0 or more seconds")
        if not self.prefix or any(c in self.prefix for c in " ,<>&"):
            raise BadInputError("alerting.prefix", repr(self.prefix), "text without spaces, commas and markup")

    def policy(self, threat: str) -> Policy:
        """The policy of one kind of threat, of THREATS."""
        return getattr(self, threat)
