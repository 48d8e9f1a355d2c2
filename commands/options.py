"""Types of the command line's options: each refuses a wrong value in one sentence."""

import argparse
from collections.abc import Callable

from include.sales.limits import check_seed


def number(least: float, most: float, unit: str) -> Callable[[str], float]:
    """Return the type of a number from `least` to `most`, both included."""

    def parse(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {unit}") from None
        if not least <= found <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g} {unit}")
        return found

    return parse


def numbers(least: float, most: float, unit: str) -> Callable[[str], tuple[float, ...]]:
    """Return the type of numbers from `least` to `most`, with commas between them."""
    parse = number(least, most, unit)
    return lambda text: tuple(parse(part) for part in text.split(","))


def whole_number(least: int, most: int, unit: str) -> Callable[[str], int]:
    """Return the type of a whole number from `least` to `most`, both included."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a number of {unit} from {least} to {most}"
            )
        return int(text)

    return parse


def seed(text: str) -> int:
    try:
        found = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    try:
        check_seed(found)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return found


def add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=seed, default=2026, help="seed of the sales (default: %(default)s)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option that prints JSON instead of tables."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
