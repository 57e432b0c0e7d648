"""When a level counts, what flaps, and what PagerDuty is owed."""

from monitoring.alerts.alarms import Alarms

NOBODY = ""


class Case:
    """Alarms with one figure, looked at again and again."""

    def __init__(self, hold: int = 3) -> None:
        self.alarms, self.hold, self.at = Alarms(), hold, 0.0
        self.told: list[tuple[str, str]] = []
        self.muted = NOBODY
        self.is_away = False

    def look(self, *levels: str) -> "Case":
        for level in levels:
            self.at += 15
            self.alarms.see("errors", level, summary=f"it is {level}", act="mend it", hold=self.hold, at=self.at)
            self.alarms.decide(lambda _key: self.muted, self.at)
            self.deliver()
        return self

    def deliver(self) -> None:
        for alarm in self.alarms.owed():
            while alarm.owed and not self.is_away:
                event = alarm.owed.pop(0)
                self.told.append((event.action, event.level))
        self.alarms.decide(lambda _key: self.muted, self.at)

    @property
    def level(self) -> str:
        return self.alarms.by_key["errors"].level if "errors" in self.alarms.by_key else "ok"


def test_a_level_counts_once_it_held_and_ends_once_it_was_well_as_long() -> None:
    case = Case()
    assert case.look("critical", "critical").told == []
    assert case.look("critical").told == [("trigger", "critical")]
    assert case.look("ok", "ok").told == [("trigger", "critical")]
    assert case.look("ok").told == [("trigger", "critical"), ("resolve", "ok")]
    assert case.alarms.by_key == {}, "nothing is kept of what is over"


def test_what_flaps_calls_nobody() -> None:
    assert Case().look(*["critical", "ok"] * 20).told == []


def test_an_alarm_that_flaps_stays_until_it_is_well_for_long() -> None:
    case = Case().look("critical", "critical", "critical", *["ok", "critical"] * 20)

    assert case.told == [("trigger", "critical")]


def test_between_warning_and_critical_it_counts_as_a_warning() -> None:
    case = Case().look("warning", "critical", "warning", "critical")

    assert (case.level, case.told) == ("warning", [("trigger", "warning")])
    assert case.look("critical", "critical").told[1:] == [("trigger", "critical")]
    assert case.look("warning", "warning", "warning").told[2:] == [("trigger", "warning")]


def test_while_silenced_nobody_is_told_and_afterwards_of_what_still_stands() -> None:
    case = Case(hold=1)
    case.muted = "tess: deploy"
    case.look("critical", "critical")
    assert (case.level, case.told) == ("critical", [])

    case.muted = NOBODY
    assert case.look("critical").told == [("trigger", "critical")]


def test_what_came_and_went_while_silenced_is_never_told() -> None:
    case = Case(hold=1)
    case.muted = "tess: deploy"
    case.look("critical", "ok")
    case.muted = NOBODY

    assert case.look("ok").told == []


def test_an_end_is_told_in_a_silence_too() -> None:
    case = Case(hold=1).look("critical")
    case.muted = "tess: deploy"

    assert case.look("ok").told == [("trigger", "critical"), ("resolve", "ok")]


def test_an_outage_of_pagerduty_loses_no_trigger_and_keeps_the_order() -> None:
    case = Case(hold=1)
    case.is_away = True
    case.look("critical", "ok")
    case.is_away = False
    case.deliver()

    assert case.told == [("trigger", "critical"), ("resolve", "ok")]


def test_a_long_outage_keeps_the_first_and_the_last_of_what_happened() -> None:
    case = Case(hold=1)
    case.is_away = True
    case.look(*["critical", "ok"] * 100, "warning")
    case.is_away = False
    case.deliver()

    assert len(case.told) <= 5
    assert (case.told[0], case.told[-1]) == (("trigger", "critical"), ("trigger", "warning"))


def test_an_alarm_whose_server_is_no_more_ends_by_itself() -> None:
    case = Case(hold=1).look("critical")
    for _ in range(300):
        case.alarms.miss(set(), lambda _key: True)
    case.alarms.decide(lambda _key: NOBODY, 0.0)
    case.deliver()

    assert case.told == [("trigger", "critical"), ("resolve", "ok")]


def test_it_is_the_same_after_a_restart() -> None:
    case = Case()
    case.is_away = True
    case.look("critical", "critical", "critical", "ok")
    case.alarms = Alarms.of_json(case.alarms.as_json())
    case.is_away = False
    case.look("ok", "ok")

    assert case.told == [("trigger", "critical"), ("resolve", "ok")]
