"""Names of filters, as the app printed them over the years. Old photos keep old names."""

NAMES = (
    "Normal", "X-Pro II", "Lomo-fi", "Earlybird", "Apollo", "Poprocket", "Inkwell", "Gotham", "1977", "Nashville",
    "Lord Kelvin", "Lily", "Sutro", "Toaster", "Walden", "Hefe", "Brannan", "Lo-fi", "Kelvin", "Rise", "Amaro",
    "Valencia", "Hudson", "Sierra",
)  # fmt: skip

_BY_FOLDED = {name.casefold(): name for name in NAMES}


def spelled(name: str) -> str | None:
    """Return the name as it is printed, whatever the case it came in; None for no filter of ours."""
    return _BY_FOLDED.get(name.strip().casefold())
