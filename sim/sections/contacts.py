"""What makes users ask and complain: contacts per order, what goes wrong with goods, claims, incidents, pick-up."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.fields import Model, NotNegative, Positive, Share, wrong

PerOrder = Annotated[float, Field(ge=0, le=10)]
GoodsCause = Literal["quality", "late", "missing", "weight", "pick_up", "other"]
"""What can be wrong with goods; being passed around is no such cause: it arises from journeys (F12)."""


class ProblemChances(Model):
    """Chances that a delivered order becomes a problem, by cause. An order may have several.

    ``quality_share`` : of orders that stayed cool, with today's packing (F15). ``badly_packed_share`` : of orders,
    those with goods whose packing is at fault. ``packing_fault_today_share`` : of the quality problems with such goods,
    those that today's packing makes (F15: 35 %). ``packing_fault_share`` : the same with the packing in use (F15: 5 %
    after new packing). ``quality_when_warm_share`` : of over-heated orders (F32). ``late_share`` : of late orders, at
    once; ``late_share_per_h`` : more of them for each hour past the due time. ``short_refunded_share`` : of orders with
    something missing or wrong, those refunded of themselves before anybody notices: no problem. ``weighed_share`` : of
    orders, those with goods sold by weight. ``packed_weight_cv`` : spread of packed weights around the weight on the
    label. ``weight_tolerance_share`` : a shortage up to here counts as normal (F19: 5 %).
    ``weight_noticed_share`` : of packs below it, those that somebody weighs. ``pick_up_share`` : of orders without a
    notice in time, code missed or expired, wrong pick-up (F11). ``other_share`` : of orders, anything else.
    """

    quality_share: Share
    badly_packed_share: Share
    packing_fault_today_share: Annotated[float, Field(ge=0, lt=1)]
    packing_fault_share: Annotated[float, Field(ge=0, lt=1)]
    quality_when_warm_share: Share
    late_share: Share
    late_share_per_h: Share
    short_refunded_share: Share
    weighed_share: Share
    packed_weight_cv: Annotated[float, Field(ge=0, le=1)]
    weight_tolerance_share: Share
    weight_noticed_share: Share
    pick_up_share: Share
    other_share: Share


class Claims(Model):
    """What users do about a problem, and what the platform does of itself.

    ``voiced_share`` : of problems, those that the user speaks up about (a claim); the rest is silent. Segments move it
    (F1), its mean stays. ``refund_without_agent_below_yuan`` : claims below it may be refunded without anybody; 0
    switches that off. ``claim_mean_yuan``, ``claim_cv`` : amount of a claim, lognormal. ``clean_record_share`` : of
    claims, those of users with a clean record. ``refund_button_share`` : of the claims that could be refunded without
    anybody, those whose users do it that way. ``refundable`` : causes for which there is such a button.
    ``abuse_share`` : claims without a problem, per claim, where nothing is refunded without an agent;
    ``abuse_per_leniency`` : more of them per claim if all refundable claims were.
    """

    voiced_share: Share
    refund_without_agent_below_yuan: NotNegative
    claim_mean_yuan: Positive
    claim_cv: Annotated[float, Field(gt=0, le=5)]
    clean_record_share: Share
    refund_button_share: Share
    refundable: list[GoodsCause]
    abuse_share: Share
    abuse_per_leniency: Share

    @model_validator(mode="after")
    def _each_once(self) -> Claims:
        twice = next((cause for i, cause in enumerate(self.refundable) if cause in self.refundable[:i]), None)
        if twice is not None:
            raise wrong(f"the cause '{twice}' is refundable twice; allowed: each cause once")
        return self


class Incidents(Model):
    """What makes many problems at once, beside a late van or a bad night of sorting.

    ``bad_batch_share`` : of days, in each city, those with a bad batch. ``bad_batch_orders_share`` : of the city's
    orders of that day, those with goods of the batch. ``bad_batch_problem_share`` : of these, those that become a
    quality problem. ``parent_ticket_share`` : of the voiced problems of an incident (late van, short sort, bad batch),
    those that are seen to belong to it and wait for its parent ticket.
    """

    bad_batch_share: Share
    bad_batch_orders_share: Share
    bad_batch_problem_share: Share
    parent_ticket_share: Share


class PickUp(Model):
    """When goods are picked up and what users are told before.

    ``weights`` : how many pick up in equal parts of the day (24: hours), relative; the first part above 0 is where
    pick-up begins. ``hand_out_s``, ``hand_out_cv`` : a leader's work per order. ``notice_share`` : of orders, those
    whose code comes in time (F23: an hour before pick-up). ``notice_stills_share`` : of pick-up problems and questions
    about the code, those that a notice in time prevents (F11). ``announce_before_min`` : how long before pick-up begins
    late goods are announced in the group (F23). ``announced_stills_share`` : of the questions and problems of
    late orders, those that an announcement prevents.
    """

    weights: Annotated[list[NotNegative], Field(min_length=1, max_length=1440)]
    hand_out_s: NotNegative
    hand_out_cv: Annotated[float, Field(ge=0, le=1)]
    notice_share: Share
    notice_stills_share: Share
    announce_before_min: Annotated[float, Field(ge=0, le=1440)]
    announced_stills_share: Share

    @model_validator(mode="after")
    def _even(self) -> PickUp:
        if 1440 % len(self.weights) or sum(self.weights) <= 0:
            raise wrong(
                f"{len(self.weights)} weights do not divide the day, or are all 0; "
                "allowed: 1, 2, 3, 4, 6, 8, 12, 24, 48, 96, … weights, one of them above 0"
            )
        return self

    @property
    def starts_min(self) -> float:
        """Minute of the day at which pick-up begins."""
        first = next(i for i, weight in enumerate(self.weights) if weight > 0)
        return first * 1440 / len(self.weights)


class ContactsSection(Model):
    """Contacts per order and what becomes of problems.

    ``enquiries_per_order`` : before an order, per expected order (F10). ``questions_per_order`` : during the order, per
    order (F11); ``questions_on_order_day_share`` of them on the day on which it is placed, the rest on the day of the
    goods. ``code_questions_share`` : of the latter, those about the pick-up code, without a notice in time (F11).
    ``questions_per_late_order`` : more "where is it?" per late order (F11). ``stilled_share`` : of the questions in a
    group that repeat an earlier one of the same day to the same leader, those that are not asked because the
    answer can be read there.
    """

    enquiries_per_order: PerOrder
    questions_per_order: PerOrder
    questions_on_order_day_share: Share
    code_questions_share: Share
    questions_per_late_order: PerOrder
    stilled_share: Share
    problems: ProblemChances
    claims: Claims
    incidents: Incidents
    pick_up: PickUp
