"""What an upload asks the server to do to its picture, as a value: it travels to the process that decodes."""

from dataclasses import dataclass
from typing import Literal

TiltShift = Literal["none", "radial", "linear"]


@dataclass(frozen=True, slots=True)
class Look:
    """A filter by its printed name, and what goes with it.

    lux: 0 to 1, how much local contrast is added before the filter.
    """

    filter_name: str = "Normal"
    border: bool = False
    tilt_shift: TiltShift = "none"
    lux: float = 0.0


#: Nothing to do: the device has done it, or nobody asked.
PLAIN = Look()
