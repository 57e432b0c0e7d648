"""Settings: base (every knob), then development, test or production on top of it."""
