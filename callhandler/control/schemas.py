"""What requests to the control API carry. Answers are the views of core/views.py as they are."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class Body(BaseModel):
    """A request's body: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Login(Body):
    """Where an agent sits down."""

    phone: Id | None = Field(None, description="The phone's id; the agent's own phone when left out.")


class Pause(Body):
    """Why an agent is on break."""

    reason: Reason = Field("", description="The agent's word for it, such as `lunch`.")


class Move(Body):
    """Where a waiting call should wait instead."""

    queue: Id = Field(description="The queue's id. The call keeps the time it entered.")


class Prioritise(Body):
    """A waiting call's order. At least one of the two."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["priority"], "properties": {"priority": {"type": "integer"}}},
                {"required": ["bonus"], "properties": {"bonus": {"type": "number"}}},
            ]
        }
    )
    priority: int | None = Field(None, ge=1, le=10, description="Class priority; 1 goes first.")
    bonus: float | None = Field(
        None,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description="Seconds by which the call counts as having waited longer.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.priority is None and self.bonus is None:
            raise ValueError("name a priority, a bonus or both")
        return self


class AddCallback(Body):
    """Whom to call back."""

    queue: Id = Field(description="The queue whose agents call.")
    number: str = Field(
        min_length=2, max_length=40, description="The number to call, in the country's or in international form."
    )
    name: Reason = Field("", description="Who that is; shown to the agent.")
    due: float | None = Field(
        None, ge=0, le=2**40, allow_inf_nan=False, description="Not before this time, in seconds since the epoch."
    )


class CancelCallback(Body):
    """Why a callback isn't wanted any more."""

    reason: Reason = Field("", description="What the journal says.")


class RescheduleCallback(Body):
    """When to call instead."""

    due: float = Field(
        ge=0, le=2**40, allow_inf_nan=False, description="Not before this time, in seconds since the epoch."
    )


class Close(Body):
    """Why the site is closed at once."""

    reason: Reason = Field("", description="What the journal and `status` say, such as `fire alarm`.")


class Finish(Body):
    """What came of an item of the inbox."""

    reason: Reason = Field("", description="What the journal says, such as `called back`.")


class Reload(Body):
    """How to read the site file again."""

    dry_run: bool = Field(False, description="Only show the differences.")


class Done(BaseModel):
    """It was carried out."""

    done: bool = True


class Problem(BaseModel):
    """Why it was not carried out."""

    error: str = Field(description="One sentence a person can act on.")
