"""`fab --list` as a manual: verbs in groups, in the order in which an operator meets them."""

from invoke import Collection
from invoke.program import Program
from invoke.util import helpline

#: Group -> verbs; what is in none comes last.
GROUPS = {
    "Hosts": ("provision", "status", "run", "logs", "restart"),
    "Releases": ("deploy", "rollback", "history", "unlock", "migrate"),
    "Requests": ("lb.out", "lb.in", "maintenance"),
    "Data": ("backup", "restore", "drill", "promote", "shard.plan", "shard.move"),
}


def grouped(verbs: dict[str, str]) -> str:
    """Return the manual of these verbs. verbs: name -> what it does."""
    named = {name for names in GROUPS.values() for name in names}
    groups = GROUPS | {"Further": tuple(sorted(set(verbs) - named))}
    width = max(map(len, verbs), default=0)
    parts = []
    for group, names in groups.items():
        lines = [f"  {name:<{width}}  {verbs[name]}" for name in names if name in verbs]
        if lines:
            parts.append("\n".join([group, *lines]))
    return "\n\n".join(parts)


def install() -> None:
    """Have `fab --list` print the manual: invoke itself sorts by name and knows no groups."""

    def list_flat(program: Program) -> None:
        print(f"An operator's verbs; fab --help VERB tells more.\n\n{grouped(_verbs(program.scoped_collection))}\n")

    Program.list_flat = list_flat  # type: ignore[method-assign, assignment]  # there is no other way in


def _verbs(collection: Collection, prefix: str = "") -> dict[str, str]:
    found = {f"{prefix}{name}": helpline(task) or "" for name, task in collection.tasks.items()}
    for name, inner in collection.collections.items():
        found |= _verbs(inner, f"{prefix}{name}.")
    return found
