"""The most memory a helper process holds, over many files."""

import threading
from collections.abc import Iterable
from pathlib import Path

from instagram.errors import APIError
from photos.images import pool, render


def peaks(files: Iterable[tuple[str, bytes]]) -> list[tuple[float, str, str]]:
    """Return (MB, name, outcome) of each file, most first: the helper's peak over it, by the kernel's count.

    What a helper kept of the files before is in it, as for any upload.
    """
    found = []
    for name, image in files:
        with _Watch() as watch:
            try:
                render(image)
                outcome = "taken"
            except APIError as error:
                outcome = error.message
        found.append((watch.mb, name, outcome))
    return sorted(found, reverse=True)


class _Watch:
    """Reads the peak of every helper again and again, for a helper may end with its answer."""

    def __enter__(self) -> "_Watch":
        self.mb = 0.0
        for pid in pool.pids():
            # The kernel's count begins anew: proc(5).
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            for pid in pool.pids():
                try:
                    status = Path(f"/proc/{pid}/status").read_text()
                except OSError:
                    continue
                peak = next((line for line in status.splitlines() if line.startswith("VmHWM")), None)
                if peak:
                    self.mb = max(self.mb, int(peak.split()[1]) * 1024 / 1e6)
            if self._done.wait(0.002):
                return
