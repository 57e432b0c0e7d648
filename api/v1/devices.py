"""Our own endpoints for push: the phones of a person, what they may ring for, and bells."""

from accounts.queries import profiles
from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from instagram.errors import InvalidParameters, NotFound
from notifications.push import bells, devices, preferences
from notifications.push.models import Environment

#: Characters of what an app says of itself.
WORD_MAX = 30


class Devices(Endpoint):
    """POST /v1/devices: a phone is there."""

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Register it: it rings for me, and for nobody else any more."""
        params = call.params
        token = devices.device_token(params.required("token"))
        platform = params.choice("platform", ["ios"], "ios")
        device = devices.register(
            user_id=call.my_id,
            token=token,
            environment=params.choice("environment", Environment.values, Environment.PRODUCTION.value),
            app_version=_word(call, "app_version"),
            locale=_word(call, "locale"),
            access_token_id=call.viewer.token_id if call.viewer else None,
        )
        shown = {"id": str(device.pk), "token": device.token, "platform": platform}
        return enveloped(shown | {"environment": device.environment})


class Device(Endpoint):
    """One phone."""

    @access(first_party=True)
    def delete(self, call: Call, device_token: str) -> Answer:
        """Let it ring no more; the same answer if it is none of mine."""
        devices.unregister(user_id=call.my_id, token=devices.device_token(device_token))
        return enveloped(None)


class PushSettings(Endpoint):
    """What I want to be rung for."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return all settings."""
        return enveloped(preferences.settings_of(call.my_id))

    @access(first_party=True)
    def post(self, call: Call) -> Answer:
        """Change those that are given; return all."""
        params = call.params
        changes = {
            name: params.choice(name, choices) for name, choices in preferences.CHOICES.items() if params.get(name)
        }
        return enveloped(preferences.change_settings(call.my_id, changes))


class Bell(Endpoint):
    """Being told when somebody posts."""

    @access(first_party=True)
    def post(self, call: Call, user_id: str) -> Answer:
        """Turn it on, for somebody I follow."""
        bells.turn_on(follower_id=call.my_id, author_id=_person(call, user_id))
        return enveloped(None)

    @access(first_party=True)
    def delete(self, call: Call, user_id: str) -> Answer:
        """Turn it off."""
        bells.turn_off(follower_id=call.my_id, author_id=_person(call, user_id))
        return enveloped(None)


def _person(call: Call, user_id: str) -> int:
    other = call.user_id(user_id)
    profile = profiles([other]).get(other)
    if profile is None or not profile.is_active:
        raise NotFound(what="user")
    return other


def _word(call: Call, name: str) -> str:
    value = call.params.get(name).strip()
    if len(value) > WORD_MAX:
        raise InvalidParameters(f"{name}: at most {WORD_MAX} characters")
    return value


routes = [
    route("v1/devices", Devices),
    route("v1/devices/<device_token>", Device),
    route("v1/users/self/settings/push", PushSettings),
    route("v1/users/<user_id>/bell", Bell),
]
