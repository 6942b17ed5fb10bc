"""What the forecaster may be told: its beat, horizon, danger radius, and how each kind of object moves."""

import msgspec

from perisai.model import BadInputError


class Motion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How objects of one kind fly between what is seen of them.

    turns_per_hour: rate of dog-legs; leg_min_s: least time between two, beyond which a turn grows likelier with time.
    turn_sigma_deg: spread of a dog-leg, 1 sigma. course_pull: share of the departure from the object's mean course
    that a dog-leg takes back, for objects zigzag towards where they are sent.
    aim_share: share of objects on the way to a destination, on which they take their course anew at each dog-leg;
    within last_run_m of it they fly straight there and come down. The rest scatter about their mean course.
    loiter_share: share of dog-legs that begin a loiter; loiter_s: its mean duration. ends_per_hour: rate at which
    objects of the kind come down. speed_sigma: relative spread of the speed on a new leg, 1 sigma.
    follow_share: of objects found on the way of another before them, the share that goes on behind it.
    usual_speed_mps: the speed the legs are given for; one that flies faster turns as much sooner, for way-points lie
    on the ground.
    """

    turns_per_hour: float = 4.4
    leg_min_s: float = 250.0
    turn_sigma_deg: float = 12.0
    course_pull: float = 1.0
    aim_share: float = 0.85
    last_run_m: float = 30_000.0
    loiter_share: float = 0.03
    loiter_s: float = 300.0
    ends_per_hour: float = 0.3
    speed_sigma: float = 0.03
    follow_share: float = 0.95
    usual_speed_mps: float = 52.0


class ForecastSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `Forecaster`; section [forecasting] of perisai.toml.

    period_s: seconds between forecasts, on whole multiples of absolute time. horizon_s: how far ahead.
    danger_radius_m: beyond the circle of equal area; a ballistic object threatens only where it falls.
    particles: rollouts per track; most_rollouts: of all tracks in one beat: where there are more, each has fewer, but
    no fewer than 128. min_probability: rows below it are not given out.
    position_sigma_m, velocity_sigma_mps: taken where a track brings no covariance. correlation_s: how long the errors
    of one track's successive rows stay alike.
    silence_keep_s: a track that falls silent is believed to fly on for so long, as before; a sensor may have failed.
    silence_lost_share: of tracks that fall silent, the share that still flies; silence_fall_s, silence_found_s: decay
    of the belief in those that fell and in those lost from view. silence_max_s: when a silent track is given up.
    civil_addresses: when not empty, only these identities can be neutral.
    destination_power: an area is a destination with weight residents (at least 500) to this power; the prior of where
    objects are sent.
    max_step_s: a longer jump of the clock between frames counts as one frame.
    """

    period_s: int = 10
    horizon_s: float = 1200.0
    danger_radius_m: float = 3000.0
    particles: int = 384
    most_rollouts: int = 1_000_000
    min_probability: float = 0.005
    position_sigma_m: float = 300.0
    velocity_sigma_mps: float = 3.0
    correlation_s: float = 20.0
    silence_keep_s: float = 90.0
    silence_lost_share: float = 0.4
    silence_fall_s: float = 30.0
    silence_found_s: float = 120.0
    silence_max_s: float = 900.0
    civil_addresses: tuple[str, ...] = ()
    destination_power: float = 0.7
    max_step_s: float = 120.0
    drone: Motion = Motion()
    cruise: Motion = Motion(
        turns_per_hour=8.0,
        leg_min_s=170.0,
        turn_sigma_deg=20.0,
        loiter_share=0.0,
        last_run_m=65_000.0,
        ends_per_hour=0.5,
        usual_speed_mps=220.0,
    )
    glide_bomb: Motion = Motion(
        turns_per_hour=2.0,
        leg_min_s=60.0,
        turn_sigma_deg=10.0,
        course_pull=0.0,
        aim_share=0.0,
        loiter_share=0.0,
        ends_per_hour=6.0,
        follow_share=0.0,
    )
    aircraft: Motion = Motion(
        turns_per_hour=6.0,
        leg_min_s=0.0,
        course_pull=0.0,
        aim_share=0.0,
        turn_sigma_deg=45.0,
        loiter_share=0.1,
        ends_per_hour=0.2,
        follow_share=0.0,
    )
    other: Motion = Motion()

    def __post_init__(self) -> None:
        """Raises BadInputError naming the setting at fault."""
        positive = ("period_s", "horizon_s", "particles", "most_rollouts", "position_sigma_m", "velocity_sigma_mps")
        for name in positive:
            if not getattr(self, name) > 0:
                raise BadInputError(f"forecasting.{name}", repr(getattr(self, name)), "a number above 0")
        for kind in ("drone", "cruise", "glide_bomb", "aircraft", "other"):
            _check(kind, getattr(self, kind))
        if not 0.0 <= self.silence_lost_share <= 1.0:
            raise BadInputError("forecasting.silence_lost_share", repr(self.silence_lost_share), "0 to 1")
        if not 0.0 < self.min_probability < 1.0:
            raise BadInputError("forecasting.min_probability", repr(self.min_probability), "between 0 and 1")


def _check(kind: str, motion: Motion) -> None:
    where = f"forecasting.{kind}"
    if not motion.turns_per_hour > 0.0:
        raise BadInputError(f"{where}.turns_per_hour", repr(motion.turns_per_hour), "a number above 0")
    if not motion.usual_speed_mps > 0.0:
        raise BadInputError(f"{where}.usual_speed_mps", repr(motion.usual_speed_mps), "a number above 0")
    if not 0.0 <= motion.leg_min_s < 3600.0 / motion.turns_per_hour:
        raise BadInputError(f"{where}.leg_min_s", repr(motion.leg_min_s), "0 or more, under 3600 / turns_per_hour")
    if not 0.0 <= motion.course_pull <= 1.0:
        raise BadInputError(f"{where}.course_pull", repr(motion.course_pull), "0 to 1")
    if not 0.0 <= motion.follow_share <= 1.0:
        raise BadInputError(f"{where}.follow_share", repr(motion.follow_share), "0 to 1")
