"""What can go wrong at a service, by what is to be done about it."""


class ServiceFault(Exception):
    """A service did not do as asked. The sentence is for the person; it names no secret."""


class Refused(ServiceFault):
    """It will not take this, however often it is asked."""


class Revoked(ServiceFault):
    """The person withdrew our permission, there or by closing the account."""


class Later(ServiceFault):
    """It cannot now. seconds: how long it wants to be left alone, if it says.

    untouched: certain that nothing was posted; otherwise the next attempt looks first.
    """

    def __init__(self, sentence: str, *, seconds: float | None = None, untouched: bool = False) -> None:
        super().__init__(sentence)
        self.seconds, self.untouched = seconds, untouched
