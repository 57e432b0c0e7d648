"""Switches: what an operator turns off for a while, on all hosts within seconds. Knows no domain.

Truth is in main (model Change), each process keeps a copy that is a second old or two (`state`). Asking costs a look-up
in that copy: `state.active("push_paused")`. docs/switches.md tells what each switch does and where it is kept.
"""
