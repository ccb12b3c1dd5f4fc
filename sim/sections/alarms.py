"""Thresholds of the alarms F70–F75, and how much there has to be before a share or mean is looked at."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.fields import Model, NotNegative, Positive, Share

Points = Annotated[float, Field(ge=1, le=5)]
Least = Annotated[float, Field(ge=0, le=1e9)]


class AlarmSection(Model):
    """When an alarm rings. Below a ``least_…`` the day's (or quarter's) figure is chance, and nothing rings."""

    complaints_per_order_share: Annotated[Share, Field(description="complaints per order in a day above it (F70)")] = (
        0.05
    )
    complaints_rise_share: Annotated[
        NotNegative, Field(description="complaints per order above the day before's by more than it (F70)")
    ] = 0.10
    response_min: Annotated[Positive, Field(description="mean first response of the day above it (F71)")] = 10.0
    round_min: Annotated[Positive, Field(description="leaders' mean round of the day above it (F72)")] = 120.0
    satisfaction_point: Annotated[Points, Field(description="recorded satisfaction of the day below it … (F73)")] = 4.0
    satisfaction_days: Annotated[int, Field(ge=1, le=365, description="… on so many days in a row (F73)")] = 3
    quarter_satisfaction_point: Annotated[
        Points, Field(description="recorded satisfaction of a quarter below it (F73)")
    ] = 4.0
    leaders_lost_quarter_share: Annotated[
        Share, Field(description="leaders lost in a quarter, of those at its start, above it (F74)")
    ] = 0.10
    compliance_quarter_share: Annotated[
        Share, Field(description="rules kept in a quarter, of what was checked, below it (F75)")
    ] = 0.90
    quarter_days: Annotated[int, Field(ge=1, le=366, description="length of a quarter")] = 90

    least_orders: Annotated[Least, Field(description="orders of a day before complaints per order are judged")] = 400
    least_complaints: Annotated[
        Least, Field(description="complaints of the day before, before a rise on it is judged")
    ] = 540
    least_answers: Annotated[Least, Field(description="answered contacts of a day before their response is judged")] = (
        30
    )
    least_rounds: Annotated[Least, Field(description="rounds of a day before their length is judged")] = 5
    least_ratings: Annotated[Least, Field(description="ratings of a day or quarter before they are judged")] = 10
    least_leaders: Annotated[Least, Field(description="leaders at a quarter's start before their loss is judged")] = 10
    least_checks: Annotated[Least, Field(description="checks of a quarter before compliance is judged")] = 100
