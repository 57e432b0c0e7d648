"""What can go wrong, in a sentence for the operator."""


class Refused(Exception):
    """It was not begun: only a person can put that right. Exit code 2."""


class Failed(Exception):
    """It was begun and did not work. Exit code 1."""
