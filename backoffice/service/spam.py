"""Rules against spam: new ones, their numbers, and what a rule with other numbers would have caught."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import User
from backoffice.audit import Target
from backoffice.deeds import Deed, DeedForm, perform
from backoffice.frame import Menu, page, shown
from instagram.errors import NotFound
from moderation.models import SpamRule
from moderation.spam import judging, rules

#: Catches that a preview shows, and hours it looks back.
COUNT, HOURS = 100, 24


@page("spam/", name="spam", act="spam.view", menu=Menu("Service", "Rules against spam", 60))
def spam_rules(request: HttpRequest) -> HttpResponse:
    """Show the rules. Cost: one query on main."""
    rows = [
        {"rule": rule, "title": _kind_of(rule), "numbers": _in_words(rules.numbers_of(rule))}
        for rule in SpamRule.objects.order_by("pk")
    ]
    kinds = [(kind, about.title) for kind, about in rules.KINDS.items()]
    return shown(request, "service/spam", {"title": "Rules against spam", "rows": rows, "kinds": kinds})


class ChangeRule(Deed):
    """Give a rule other numbers, turn it on or off."""

    act, button = "spam.change", "Change the rule"

    def __init__(self, rule: SpamRule, *, numbers: dict[str, int]) -> None:
        """Take the rule. numbers: to begin with."""
        self.rule = rule
        self.form = type("RuleForm", (DeedForm,), {"is_on": _on_field(), **_fields(rule.kind)})
        self.initial = {"is_on": rule.is_on, **numbers}

    @property
    def target(self) -> Target:
        """Return the rule."""
        return Target("spam_rule", self.rule.pk)

    @property
    def title(self) -> str:
        """Return the rule's name."""
        return f"Change: {self.rule.name}"

    def consequences(self) -> list[str]:
        """Say whom it concerns."""
        return _consequences(self.rule.kind)

    def state(self) -> dict[str, Any]:
        """Return the numbers."""
        return _state(SpamRule.objects.get(pk=self.rule.pk))

    def do(self, answers: dict[str, Any]) -> str:
        """Change it."""
        rule = rules.change(self.rule.pk, is_on=answers.pop("is_on"), numbers=answers)
        return f"{rule.name} is {'on' if rule.is_on else 'off'}: {_in_words(rule.numbers)}."


class AddRule(Deed):
    """Make a rule of a kind."""

    act, button = "spam.change", "Add the rule"

    def __init__(self, kind: str) -> None:
        """Take the kind; its numbers begin as its defaults."""
        self.kind = kind
        self._made: SpamRule | None = None
        self.form = type("NewRuleForm", (DeedForm,), {"name": _name_field(), "is_on": _on_field(), **_fields(kind)})
        defaults = {name: default for name, (default, _, _) in rules.KINDS[kind].numbers.items()}
        self.initial = {"is_on": True, **defaults}

    @property
    def target(self) -> Target:
        """Return the rule; before it is there, none."""
        return Target("spam_rule", self._made.pk if self._made else "")

    @property
    def title(self) -> str:
        """Return what it will catch."""
        return f"Add a rule: {rules.KINDS[self.kind].title}"

    def consequences(self) -> list[str]:
        """Say whom it concerns."""
        return _consequences(self.kind)

    def state(self) -> dict[str, Any]:
        """Return the rule that was made."""
        return _state(self._made) | {"kind": self.kind} if self._made else {}

    def do(self, answers: dict[str, Any]) -> str:
        """Make it."""
        name, is_on = answers.pop("name"), answers.pop("is_on")
        self._made = rules.add(name=name, kind=self.kind, numbers=answers, is_on=is_on)
        return f"{self._made.name} is there: {_in_words(self._made.numbers)}."


class DeleteRule(Deed):
    """Delete a rule."""

    act, button = "spam.change", "Delete the rule"

    def __init__(self, rule: SpamRule) -> None:
        """Take the rule."""
        self.rule = rule

    @property
    def target(self) -> Target:
        """Return the rule."""
        return Target("spam_rule", self.rule.pk)

    @property
    def title(self) -> str:
        """Return the rule's name."""
        return f"Delete: {self.rule.name}"

    def consequences(self) -> list[str]:
        """Say what stays."""
        return [
            "Texts that are posted from now on are not judged by it. Turned off it could come back with its numbers.",
            "What it has found stays in the queue.",
        ]

    def state(self) -> dict[str, Any]:
        """Return the rule, while it is there."""
        rule = SpamRule.objects.filter(pk=self.rule.pk).first()
        return _state(rule) | {"kind": rule.kind} if rule else {}

    def do(self, answers: dict[str, Any]) -> str:
        """Delete it."""
        rules.delete(self.rule.pk)
        return f"{self.rule.name} is deleted."


@page(
    "spam/add/<slug:kind>/", name="spam-add", act="spam.change", methods=("GET", "HEAD", "POST"),
    example={"kind": "rate"},
)  # fmt: skip
def add(request: HttpRequest, kind: str) -> HttpResponse:
    """Make a rule of a kind."""
    if kind not in rules.KINDS:
        raise NotFound(what="kind of rule")
    return perform(request, AddRule(kind), back=reverse("admin:spam"), crumbs=_crumbs())


@page(
    "spam/<int:rule_id>/delete/", name="spam-delete", act="spam.change", methods=("GET", "HEAD", "POST"),
    example={"rule_id": 1},
)  # fmt: skip
def delete(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Delete a rule, also one of a kind that this release does not know."""
    rule = SpamRule.objects.filter(pk=rule_id).first() if rule_id < 2**63 else None
    if rule is None:
        raise NotFound(what="rule")
    return perform(request, DeleteRule(rule), back=reverse("admin:spam"), crumbs=_crumbs())


@page(
    "spam/<int:rule_id>/",
    name="spam-rule",
    act="spam.change",
    methods=("GET", "HEAD", "POST"),
    example={"rule_id": 1},
)
def change(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Change a rule; numbers in the address stand in the form, so that a preview can lead here."""
    rule = _rule(rule_id)
    form = _form(rule)(request.GET)
    numbers = form.cleaned_data if form.is_valid() else rules.numbers_of(rule)
    back = reverse("admin:spam")
    return perform(request, ChangeRule(rule, numbers=numbers), back=back, crumbs=[(back, "Rules against spam")])


@page("spam/<int:rule_id>/preview/", name="spam-preview", act="spam.view", example={"rule_id": 1})
def preview(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Show what the rule would have caught with these numbers. Cost: one scan of each server's texts of HOURS hours."""
    rule = _rule(rule_id)
    numbers = rules.numbers_of(rule)
    form = _form(rule)(request.GET if request.GET else None, initial=numbers)
    if form.is_bound and not form.is_valid():
        facts = {"title": f"Preview: {rule.name}", "form": form, "rule": rule, "rows": [], "crumbs": _crumbs()}
        return shown(request, "service/spam_preview", facts, status=400)
    if form.is_bound:
        numbers = form.cleaned_data
    found = judging.preview(rule.kind, numbers, hours=HOURS)
    newest = found.catches[:COUNT]
    people = User.objects.in_bulk({each.said.author_id for each in newest})
    facts = {
        "title": f"Preview: {rule.name}", "form": form, "rule": rule, "crumbs": _crumbs(), "found": found,
        "caught": len(found.catches), "hours": HOURS, "count": COUNT,
        "about_person": rules.KINDS[rule.kind].about_person,
        "rows": [{"said": each.said, "why": each.why, "author": people.get(each.said.author_id)} for each in newest],
        "keep": f"{reverse('admin:spam-rule', args=[rule.pk])}?{urlencode(numbers)}",
    }  # fmt: skip
    return shown(request, "service/spam_preview", facts)


def _rule(rule_id: int) -> SpamRule:
    rule = SpamRule.objects.filter(pk=rule_id).first() if rule_id < 2**63 else None
    if rule is None or rule.kind not in rules.KINDS:
        raise NotFound(what="rule")
    return rule


def _form(rule: SpamRule) -> type[forms.Form]:
    """Return the form of a preview: a rule's numbers alone."""
    return type("NumbersForm", (forms.Form,), _fields(rule.kind))


def _fields(kind: str) -> dict[str, forms.Field]:
    return {
        name: forms.IntegerField(
            label=name.replace("_", " ").capitalize(), min_value=least, max_value=most,
            help_text=f"{least} to {most}.",
        )
        for name, (_, least, most) in rules.KINDS[kind].numbers.items()
    }  # fmt: skip


def _on_field() -> forms.Field:
    return forms.BooleanField(label="On", required=False)


def _name_field() -> forms.Field:
    widget = forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"})
    help_text = "What moderators read beside what it caught."
    return forms.CharField(label="Name", max_length=rules.NAME_MAX_CHARS, help_text=help_text, widget=widget)


def _consequences(kind: str) -> list[str]:
    about = rules.KINDS[kind]
    whom = "the account of who wrote them" if about.about_person else "each text"
    return [
        f"{about.title}: texts that are posted from now on are judged by these numbers; {whom} goes to the queue.",
        "What is in the queue stays there. Nothing is removed by a rule.",
    ]


def _state(rule: SpamRule) -> dict[str, Any]:
    return {"rule": rule.name, "on": rule.is_on, **rule.numbers}


def _kind_of(rule: SpamRule) -> str:
    return rules.KINDS[rule.kind].title if rule.kind in rules.KINDS else f"{rule.kind}: not known in this release"


def _in_words(numbers: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in numbers.items())


def _crumbs() -> list[tuple[str, str]]:
    return [(reverse("admin:spam"), "Rules against spam")]
