"""What can stop the data centre from starting, said in one sentence."""


class StackError(Exception):
    """Something only a person can put right: a taken port, a missing right, a full disk. Exit code 2."""


class ComponentFailed(Exception):
    """A component died or did not answer while it was started. Exit code 1."""
