"""How users feel about a closed case, and what they do about it: rate, leave, post, complain; what they are paid."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.fields import Model, NotNegative, Positive, Share
from sim.fields import wrong as _wrong
from sim.sections.contacts import GoodsCause

Level = Annotated[float, Field(ge=1, le=5)]
"""A satisfaction, 1 (worst) to 5."""

Points = Annotated[float, Field(ge=0, le=4)]
"""Points of satisfaction, added or taken off."""

Spread = Annotated[float, Field(ge=0, le=10)]
Often = Annotated[float, Field(ge=0, le=100)]
Place = Literal["own_entry", "group", "regulator", "social"]
"""Where a user complains (F13)."""


class Satisfaction(Model):
    """True satisfaction of a closed case: a start by outcome, points taken off and added, cut to 1–5.

    Any number of points may be 0: that influence is then off. F20, F21 and F56 are today's ills that it answers to.
    """

    solved_start: Level
    """Start for a case that was solved."""
    unsolved_start: Level
    """Start for one that was closed unsolved, or turned away."""
    given_up_start: Level
    """Start for one whose user gave up waiting."""
    wait_points: Points
    """Taken off for each doubling of 1 + wait / ``wait_scale_min`` until the first response (F20); for a case that
    never got one, until it ended."""
    wait_scale_min: Positive
    """Wait that takes off the first ``wait_points``; each further such step has to be twice as long: concave."""
    hop_points: Points
    """Taken off for each change from one person to another (F21)."""
    ask_points: Points
    """Taken off for each ask beyond the first (F21)."""
    time_points: Points
    """Taken off for each doubling of 1 + time / ``time_scale_h`` from the first contact to the last one's end (F21)."""
    time_scale_h: Positive
    """Time to close that takes off the first ``time_points``."""
    reopened_points: Points
    """Taken off when the case came back after it had been settled."""
    cause_points: dict[GoodsCause, Points]
    """Taken off by cause, whatever the service does; causes that are not named: 0."""
    announced_points: Points
    """Given back for late goods whose delay was announced before the user asked (F23)."""
    compensation_points: Points
    """Added for compensation as large as the claim (F21, F24); in proportion, up to ``compensation_most_ratio``."""
    compensation_most_ratio: NotNegative
    """More compensation than so many claims pleases no further."""
    refund_points: Points
    """Added for a refund or re-delivery without more proof (F24), beside what its amount adds."""
    call_back_points: Points
    """Added when the case is confirmed by a call-back (F23)."""
    grade_points: Points
    """Added for each star of the last server above 3, taken off for each below (F34)."""
    noise_sd: Spread
    """Standard deviation of what differs from user to user."""
    mood_weight: Share = 0.0
    """How far the community's mean of yesterday, above or below ``mood_neutral``, carries over (0: not at all)."""
    mood_neutral: Level
    """Mean at which a community's mood neither lifts nor lowers."""

    @model_validator(mode="after")
    def _falling(self) -> Satisfaction:
        if not self.given_up_start <= self.unsolved_start <= self.solved_start:
            raise _wrong(
                f"starts of {self.solved_start:g}, {self.unsolved_start:g} and {self.given_up_start:g} do not fall; "
                "allowed: solved_start ≥ unsolved_start ≥ given_up_start"
            )
        return self


class Rating(Model):
    """Who rates, and what is recorded: few, rather the very unhappy and the very happy.

    The chance is ``rated_share`` × (1 + extra × ((satisfaction − 3) / 2)²), at most 1.
    """

    rated_share: Share
    """Chance to rate at a satisfaction of 3."""
    unhappy_extra: Often
    """How much more often the unhappiest rate (at 1: so many times more)."""
    happy_extra: Often
    """The same for the happiest (at 5)."""
    given_up_factor: Share
    """Chance to rate, relative to others, for those who gave up: few are asked, so that the record misses them."""
    closed_early_share: Share = 0.0
    """Cases that staff close, and have rated, before they are really solved (F67, closing under pressure)."""
    closed_early_points: Points
    """How much too high the ratings of these are."""


class SecondCall(Model):
    """The second call to users with an unhappy rating (F27). Its work is in the journeys, its effect is here."""

    share: Share = 0.0
    """Unhappy rated cases that get one: none today, all in the standard."""
    unhappy_at_most: Level
    """Ratings up to here are unhappy."""
    mends_share: Share
    """Chance that the call mends it."""
    points: Points
    """Satisfaction that it then gives back; the rating stays as it was given."""


class Compensation(Model):
    """What a case is paid: a refund or re-delivery, or else a coupon, or nothing; only where a person answered."""

    coupon_share: Share
    """Answered cases without a refund that get a coupon (F21)."""
    coupon_yuan: NotNegative
    """Its value (F21: 5)."""
    refund_share: dict[GoodsCause, Share]
    """Solved cases whose claim is refunded or delivered again (F24), by cause; causes that are not named: 0."""
    claim_basket_share: Positive
    """Mean claim, relative to the value of an order."""
    claim_cv: Spread
    """Spread of claims (lognormal, standard deviation over mean)."""
    severe_share: Share
    """Quality cases that touch food safety (F7)."""
    severe_yuan: Positive
    """Claims of quality cases from here on are severe too (F7: 500)."""


class Loss(Model):
    """Who leaves for a problem, and what stays in mind.

    The chance to leave after a case is ``case_most_share`` / (1 + exp((satisfaction − ``case_middle``) /
    ``case_spread``)).
    """

    case_most_share: Share
    """Chance to leave of the unhappiest, in the limit."""
    case_middle: Level
    """Satisfaction at which it is half of that."""
    case_spread: Annotated[float, Field(gt=0, le=10)]
    """How sharply it falls around there."""
    silent_share: Share
    """Chance to leave for a problem about which nothing was said (F1: some never complain and just leave)."""
    refunded_share: Share
    """Chance to leave for a problem that was refunded without anybody."""
    unhappy_below: Level
    """A satisfaction below it is a bad experience, which makes people order less (F17)."""
    happy_above: Level
    """A satisfaction above it is a good one."""
    silent_unhappy_weight: NotNegative
    """Bad experiences that a silent problem counts for."""
    refunded_happy_weight: NotNegative
    """Good experiences that a problem refunded at once counts for."""

    @model_validator(mode="after")
    def _apart(self) -> Loss:
        if self.unhappy_below > self.happy_above:
            raise _wrong(
                f"unhappy_below {self.unhappy_below:g} lies above happy_above {self.happy_above:g}; "
                "allowed: unhappy_below ≤ happy_above"
            )
        return self


class Posts(Model):
    """Who tells the neighbours (F18): the strength of what follows is the section ``word_of_mouth``'s."""

    post_share: Share
    """Chance that a user tells the group, at a satisfaction of 1; falling in proportion to 0 at ``post_below``."""
    post_below: Annotated[float, Field(gt=1, le=5)]
    """From here on nobody tells bad news."""
    group_factor: Often
    """How much more often when the case was in the group already."""
    incident_factor: Often
    """How much more often when it is one of many with the same cause."""
    deed_share: Share
    """Chance that good news are told at a satisfaction of 5; falling in proportion to 0 at ``deed_above``."""
    deed_above: Annotated[float, Field(ge=1, lt=5)]
    """Up to here nobody tells good news."""
    scandal_share: Share
    """Chance that a post about a severe quality case reaches the whole platform."""


class Escalation(Model):
    """Who complains to others, and where. Propensities only: the complaints by cause and place (F12, F13) and their
    rise with the wait (F16) are what comes out.

    A case complains with chance 1 − exp(−impulse). What the wait and the hand-overs took off the satisfaction is given
    back before its discontent is measured: they act by themselves, once.
    """

    discontent_per_point: NotNegative
    """Impulse for each point of satisfaction below ``content_from``."""
    content_from: Level
    """Satisfaction from which on there is no discontent."""
    waiting_per_h: NotNegative
    """Impulse for each hour until the first response."""
    waiting_most_h: NotNegative
    """Longer waits add nothing."""
    per_hop: NotNegative
    """Impulse for each change from one person to another."""
    given_up: NotNegative
    """Impulse of a user who gave up waiting."""
    voiced_power: Annotated[float, Field(ge=0, le=3)]
    """The impulse grows with this power of how much rather the user's segment speaks up (0: not at all)."""
    place_weights: dict[Place, NotNegative]
    """How readily each place is chosen; the chance is in proportion. Nobody turns to the place where he is already, but
    for the group."""
    group_case_factor: Often
    """How much more readily the group is chosen by a case that came in there."""
    claim_powers: dict[Place, Annotated[float, Field(ge=-3, le=3)]]
    """The weight of a place grows with this power of the claim, relative to the mean claim; not named: 0."""
    passed_around_above_hops: Annotated[int, Field(ge=0, le=1000)]
    """With more hand-overs than this, the complaint is about being passed around (F12)."""
    passed_around_above_asks: Annotated[int, Field(ge=1, le=1000)]
    """With more asks than this, too."""


class MoodSection(Model):
    """Satisfaction, ratings, compensation, loss, word of mouth and complaints."""

    satisfaction: Satisfaction
    rating: Rating
    second_call: SecondCall
    compensation: Compensation
    loss: Loss
    posts: Posts
    escalation: Escalation
