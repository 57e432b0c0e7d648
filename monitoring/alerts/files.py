"""Files that outlive a crash whole: the watch's state, reports that wait for it."""

import json
import os
from pathlib import Path
from typing import Any


def write_down(path: Path, data: Any) -> None:
    """Write JSON to disk; whoever reads meanwhile, and a crash, finds what was there before or all of it."""
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}")
    with unfinished.open("w") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
