"""What a command printed."""


def said(capsys) -> tuple[list[str], list[str]]:
    """Lines on standard output and on standard error."""
    printed = capsys.readouterr()
    return printed.out.splitlines(), printed.err.splitlines()
