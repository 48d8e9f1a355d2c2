"""Whether a window sold what its cadence promises."""


def shortfall(ventas: int, seconds: float, gaps: tuple[float, float]) -> str:
    """What a window of so many sales lacks, in words; '' if that may well be chance.

    `seconds` is how long it was planned to be open, and `gaps` are the least and the most seconds
    between sales. Uniform gaps make the count of n expected sales vary by at most √(n/3), and the
    tolerance of n/10 + 10 is at least 2√n: more than three times that, whatever n is.
    """
    promised = seconds / (sum(gaps) / 2)
    if ventas >= 0.9 * promised - 10:
        return ""
    return f"La ventana cerró con {ventas} ventas, y su cadencia promete unas {promised:.0f}"
