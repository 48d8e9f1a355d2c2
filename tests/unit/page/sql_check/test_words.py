"""The lists of functions that free SQL may call."""

from include.page.sql_check.words import functions


def test_every_function_of_the_file_has_arguments_of_known_kinds() -> None:
    kinds = {"any", "twice", "sketch", "concat", "text", "format", "period", "digits", "unit"}
    assert len(functions()) > 40
    for name, arguments in functions().items():
        assert name == name.upper()
        assert {argument.rstrip("?.") for argument in arguments} <= kinds
        # Optional arguments come last.
        optional = [argument.endswith("?") for argument in arguments]
        assert optional == sorted(optional)
