"""The pages: name -> function of the query, returning HTML."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings

from stack import captures, paths, processes
from stack.description import Component, components

from .html import Safe, ago, joined, markup, page, with_links

#: Records shown.
MOST = 100

Query = dict[str, str]


def overview(_query: Query) -> str:
    """Return the components with their health, and where to go from here."""
    asked = components()
    with ThreadPoolExecutor(len(asked)) as pool:
        healths = list(pool.map(_health, asked))
    base = f"{settings.EDGE_SCHEME}://127.0.0.1:{settings.APP_PORT}"
    links = {
        base: "the service",
        f"{base}/v1/schema/page": "its API, to try",
        f"{base}/health/deep": "its own word on what it stands on",
        f"{base}/developer/": "applications that use it",
    }
    ill = sum(health not in {"well", "not asked"} for health in healths)
    rows = joined(
        markup(
            '<li><span class="dot {kind}"></span><b>{name}</b><span class="quiet">{port}</span>{word}</li>',
            kind=_kind(health),
            name=component.name,
            port=str(component.ports[0]) if component.ports else "",
            word=Safe("") if health == "well" else markup('<span class="why">{word}</span>', word=health),
        )
        for component, health in zip(asked, healths, strict=True)
    )
    return page(
        "The local data centre",
        "/",
        markup(
            '<p class="lead">{word}</p><ul class="links">{links}</ul><ul class="parts">{rows}</ul>'
            '<p class="quiet">Logs: <code>{logs}</code></p>',
            word="Everything is well." if not ill else f"{ill} of {len(asked)} components are not well.",
            links=joined(
                markup('<li><a href="{url}">{url}</a> {what}</li>', url=url, what=what) for url, what in links.items()
            ),
            rows=rows,
            logs=str(paths.state() / "log"),
        ),
        refresh_s=10,
    )


def inbox(_query: Query) -> str:
    """Return the pushes that would have rung a phone, newest first, as the phone would show them."""
    owners = _owners_of_devices()
    cards, newer = [], set()
    for push in captures.latest("push", most=MOST):
        key = (push["token"], push.get("collapse_id"))
        replaced = push["status"] == 200 and key[1] is not None and key in newer
        if push["status"] == 200:
            newer.add(key)
        cards.append(_push_card(push, owners.get(push["token"]), replaced=replaced))
    return page("Pushes", "/inbox", _list(cards, "No push yet. Let somebody like a photo."), refresh_s=2)


def outbox(_query: Query) -> str:
    """Return the mails that would have been sent, newest first."""
    cards = [
        markup(
            '<details class="card mail"{open}><summary><b>{subject}</b><span class="quiet">to {to}, {ago}</span>'
            '</summary><p class="quiet">from {sender}</p>{attachments}{text}{html}</details>',
            open=Safe(" open") if number == 0 else Safe(""),
            subject=mail["subject"],
            to=", ".join(mail["to"]),
            ago=ago(mail["at"]),
            sender=mail["from"],
            attachments=markup('<p class="quiet">with {names}</p>', names=", ".join(mail["attachments"]))
            if mail.get("attachments")
            else Safe(""),
            text=markup("<pre>{text}</pre>", text=with_links(mail["text"])) if mail["text"] else Safe(""),
            # Sandboxed: no script, no form, nothing of this page's; links open beside it.
            html=markup(
                '<iframe sandbox="allow-popups" title="as HTML" srcdoc="{html}"></iframe>',
                html='<base target="_blank">' + mail["html"],
            )
            if mail["html"]
            else Safe(""),
        )
        for number, mail in enumerate(captures.latest("mail", most=MOST))
    ]
    return page("Mails", "/outbox", _list(cards, "No mail yet. Let somebody forget a password."))


def shares(_query: Query) -> str:
    """Return what other services were asked to post, newest first."""
    cards = [_share_card(share) for share in captures.latest("share", most=MOST)]
    return page("Shares", "/shares", _list(cards, "Nothing was shared yet. Share a photo to Twitter."), refresh_s=5)


def alerts(_query: Query) -> str:
    """Return what PagerDuty would have been told, newest first; what is over is paler."""
    cards, known = [], set()
    for alert in captures.latest("alert", most=MOST):
        is_last = alert["dedup_key"] not in known
        known.add(alert["dedup_key"])
        cards.append(_alert_card(alert, stands=is_last and alert["action"] == "trigger"))
    return page("Alerts", "/alerts", _list(cards, "No alert yet. Stop a memcached for a minute."), refresh_s=5)


def alive(_query: Query) -> str:
    """Return something, for whoever asks whether the page stands."""
    return "alive\n"


def missing() -> str:
    """Return what is said of an address that leads nowhere."""
    return page("Nothing is here", "", markup('<p class="lead">There is no such page.</p>'))


PAGES: dict[str, Callable[[Query], str]] = {
    "/": overview,
    "/inbox": inbox,
    "/outbox": outbox,
    "/shares": shares,
    "/alerts": alerts,
    "/alive": alive,
}


def _push_card(push: dict[str, Any], owner: str | None, *, replaced: bool) -> Safe:
    payload = push.get("payload") or {}
    aps = payload.get("aps") or {}
    alert = aps.get("alert", "")
    badge = aps.get("badge")
    facts = {
        "to": owner or f"{push['token'][:16]}…",
        "collapse id": push.get("collapse_id"),
        "apns id": push.get("apns_id"),
        "payload": json.dumps(payload, ensure_ascii=False),
    }
    refused = push["status"] != 200
    return markup(
        '<article class="push{kind}"><div class="icon">{badge}</div><div><header><b>{app}</b>'
        '<span class="quiet">{word}{ago}</span></header><p>{alert}</p><details><summary>{to}</summary>{facts}'
        "</details></div></article>",
        kind=" refused" if refused else " replaced" if replaced else "",
        badge=markup('<span class="badge">{badge}</span>', badge=str(badge)) if badge else Safe(""),
        app="Instagram",
        word=f"refused: {push['status']} {push['reason']}, " if refused else "replaced, " if replaced else "",
        ago=ago(push["at"]),
        alert=alert.get("body", "") if isinstance(alert, dict) else str(alert),
        to=f"{owner}'s phone" if owner else "a phone",
        facts=_facts({name: value for name, value in facts.items() if value}),
    )


def _share_card(share: dict[str, Any]) -> Safe:
    size = share.get("image_bytes")
    return markup(
        '<article class="card"><header><b>{account} at {service}</b><span class="quiet">{ago}</span></header>'
        "<p>{text}</p><details><summary>{what}</summary>{facts}</details></article>",
        account=str(share.get("account") or "somebody"),
        service=str(share.get("service") or "").title() or "a service",
        ago=ago(share["at"]),
        text=with_links(str(share.get("text") or "")),
        what=f"with a picture of {max(1, size // 1_000)} kB" if size else "as it came",
        facts=_facts({name: value for name, value in share.items() if name not in {"at", "service", "account"}}),
    )


def _alert_card(alert: dict[str, Any], *, stands: bool) -> Safe:
    payload = alert.get("payload") or {}
    details = payload.get("custom_details") or {}
    level = str(alert.get("severity") or "over")
    return markup(
        '<article class="card alert {kind}"><header><b>{level}</b><span class="quiet">{ago}</span></header>'
        "<p>{text}</p>{act}<details><summary>{key}</summary>{facts}</details></article>",
        kind=f"stands {level}" if stands else "over",
        level=level,
        ago=ago(alert["at"]),
        text=str(alert.get("text") or "It is well again."),
        act=markup('<p class="quiet">{act}</p>', act=str(details["what to do"]))
        if details.get("what to do")
        else Safe(""),
        key=str(alert["dedup_key"]),
        facts=_facts({"action": alert["action"]} | payload),
    )


def _facts(facts: dict[str, Any]) -> Safe:
    rows = (
        markup(
            "<dt>{name}</dt><dd>{value}</dd>",
            name=name.replace("_", " "),
            value=value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1),
        )
        for name, value in facts.items()
    )
    return markup("<dl>{rows}</dl>", rows=joined(rows))


def _list(cards: list[Safe], when_empty: str) -> Safe:
    return joined(cards) if cards else markup('<p class="lead">{words}</p>', words=when_empty)


def _owners_of_devices() -> dict[str, str]:
    """Return who owns the phones of the demo, which writes that down: device token -> username."""
    try:
        return dict(json.loads((paths.state() / "phones.json").read_text()))
    except (OSError, ValueError):
        return {}


def _health(component: Component) -> str:
    pid = processes.running(component.name)
    if pid is None and (not component.ports or paths.run("status.json").exists()):
        # In containers nobody keeps pid files: what listens is asked, of the others nothing is known.
        return "not running" if paths.run("status.json").exists() else "not asked"
    try:
        component.probe(pid or 0)
    except Exception as error:  # whatever keeps it from answering is the answer
        return f"unwell: {(str(error).strip().splitlines() or [type(error).__name__])[0]}"
    return "well"


def _kind(health: str) -> str:
    return {"well": "good", "not asked": "unknown"}.get(health, "bad")
