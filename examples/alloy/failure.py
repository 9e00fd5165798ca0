"""What ends the validation with one line."""


class Failure(Exception):
    """Its message says what is wrong and where."""
