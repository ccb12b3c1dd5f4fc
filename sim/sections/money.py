"""What orders bring in and what service costs, in yuan."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.fields import Model, Name, NotNegative, Share, Span


class Wage(Model):
    """What a paid hour of a pool costs, employer's contributions and the seat included (loaded).

    ``outsourced_yuan_per_h`` : of a contractor's people in that pool (F3); none: as ``in_house_yuan_per_h``.
    """

    in_house_yuan_per_h: NotNegative
    outsourced_yuan_per_h: NotNegative | None = None


class MoneySection(Model):
    """Prices, wages and budgets.

    A pool without an entry in ``wages`` costs the platform nothing: leaders live on commission, suppliers on their own.
    """

    basket_yuan: Annotated[NotNegative, Field(description="mean value of an order")]
    contribution_yuan_per_order: Annotated[
        float, Field(ge=-1000, le=1000, description="left of an order after commission, goods and fulfilment")
    ]
    commission_share: Annotated[Share, Field(description="leaders' commission on the value of orders")]
    commission_within_contribution_share: Annotated[
        Share,
        Field(
            description="commission with which contribution_yuan_per_order was reckoned; what is paid above comes off"
        ),
    ]

    wages: Annotated[dict[Name, Wage], Field(max_length=64, description="by pool")] = {}
    night: Annotated[Span, Field(description="hours of the day with a night supplement")] = "22:00-06:00"
    night_supplement_share: Annotated[
        float, Field(ge=0, le=5, description="of the wage, for presence at night (F44)")
    ] = 0.0

    training_yuan_per_h: Annotated[
        NotNegative,
        Field(description="an hour of one person's training beside that person's wage: trainer, room, exam"),
    ] = 0.0
    systems_yuan_per_user_per_year: Annotated[
        NotNegative, Field(description="systems and quality checks, for the users at the start, whatever comes")
    ] = 0.0
    leader_incentive_yuan_per_month: Annotated[
        NotNegative, Field(description="for a leader with a shop, beside the commission, in thirty days")
    ] = 0.0
    agent_bonus_share: Annotated[Share, Field(description="bonus on wages, by star grade or otherwise")] = 0.0
    budget_gmv_share: Annotated[
        Share,
        Field(
            description="least spent on systems, training and incentives, of the value of orders (F45); 0: no such rule"
        ),
    ] = 0.0

    acquisition_yuan_per_user: Annotated[NotNegative, Field(description="winning one new user")] = 0.0
