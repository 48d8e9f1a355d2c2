"""Comparison of a window's sales with the number that its cadence promises."""

from include.texts import text


def shortfall(ventas: int, seconds: float, gaps: tuple[float, float]) -> str:
    """Return a sentence if a window sold too few sales; '' if the difference may be chance.

    `seconds` is the planned length of the window, and `gaps` are the least and the most seconds
    between sales. With uniform gaps the standard deviation of n expected sales is at most √(n/3).
    The tolerance of n/10 + 10 is at least 2√n, more than three standard deviations for every n.
    """
    promised = seconds / (sum(gaps) / 2)
    if ventas >= 0.9 * promised - 10:
        return ""
    return text("publishing.short", sales=ventas, promised=f"{promised:.0f}")
