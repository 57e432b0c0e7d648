"""What tests of the admin leave behind must not meet the next one."""

from tests.moderation.conftest import no_look_alikes

__all__ = ["no_look_alikes"]
