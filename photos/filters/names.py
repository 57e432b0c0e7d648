"""Names of filters, as the app printed them over the years. Old photos keep old names."""

NAMES = (
    "Normal", "X-Pro II", "Lomo-fi", "Earlybird", "Apollo", "Poprocket", "Inkwell", "Gotham", "1977", "Nashville",
    "Lord Kelvin", "Lily", "Sutro", "Toaster", "Walden", "Hefe", "Brannan", "Lo-fi", "Kelvin", "Rise", "Amaro",
    "Valencia", "Hudson", "Sierra",
)  # fmt: skip

#: Numbers of the private API of the time. A renamed filter kept its number (Lomo-fi, Lo-fi).
CODES = {
    "Normal": 0, "X-Pro II": 1, "Lomo-fi": 2, "Earlybird": 3, "Apollo": 4, "Poprocket": 5, "Inkwell": 10, "Gotham": 13,
    "1977": 14, "Nashville": 15, "Lord Kelvin": 16, "Lily": 17, "Sutro": 18, "Toaster": 19, "Walden": 20, "Hefe": 21,
    "Brannan": 22, "Lo-fi": 2, "Kelvin": 16, "Rise": 23, "Amaro": 24, "Valencia": 25, "Hudson": 26, "Sierra": 27,
}  # fmt: skip
#: No longer offered since version 2.0 (September 2011): dropped, or known by a new name.
RETIRED = frozenset({"Lomo-fi", "Apollo", "Poprocket", "Gotham", "Lord Kelvin", "Lily"})

#: Everything offered now, in the order of GET /v1/filters.
OFFERED = tuple(name for name in NAMES if name not in RETIRED)

_BY_FOLDED = {name.casefold(): name for name in NAMES}


def spelled(name: str) -> str | None:
    """Return the name as it is printed, whatever the case it came in; None for no filter of ours."""
    return _BY_FOLDED.get(name.strip().casefold())
