"""Parts of dates and times, as numeric features."""

import numpy as np

_DAY = np.timedelta64(1, "D")
_HOUR = np.timedelta64(1, "h")
_DAYS_OF_YEAR = 365.2425


def parts_of_dates(dates):
    """Return the parts of datetime64, float64 arrays by name, NaN for gaps.

    The days since 1970 tell trends. Month, day of the month, weekday (Monday is 0) and hour tell
    steps, and sine and cosine of year and day have no jump from December to January, or at
    midnight.
    """
    days, months, years = (dates.astype(f"datetime64[{unit}]") for unit in "DMY")
    number = _since(days, np.datetime64(0, "D"), _DAY)
    hour = _since(dates, days, _HOUR)
    return {
        "days": number + hour / 24,
        "month": _since(months, years.astype(months.dtype), np.timedelta64(1, "M")) + 1,
        "day": _since(days, months.astype(days.dtype), _DAY) + 1,
        "weekday": (number + 3) % 7,
        **_cycle("year", _since(days, years.astype(days.dtype), _DAY) / _DAYS_OF_YEAR),
        **_parts_of_hours(hour),
    }


def parts_of_times(seconds):
    """Return the parts of times of the day, float64 arrays by name, NaN for gaps."""
    return _parts_of_hours(seconds / 3600)


def informative(parts):
    """Return the names of the parts that vary; the cycle of the year only if a year is covered."""
    spans = {name: np.nanmax(values) - np.nanmin(values) for name, values in parts.items()}
    covers_year = spans.get("days", 0) >= _DAYS_OF_YEAR
    return tuple(
        name for name, span in spans.items() if span and (covers_year or name[:5] != "year_")
    )


def _parts_of_hours(hour):
    return {"hour": hour, **_cycle("day", hour / 24)}


def _since(dates, origin, unit):
    """Return the time since an origin in a unit, NaN for gaps."""
    return (dates - origin) / unit


def _cycle(name, turns):
    angle = 2 * np.pi * turns
    return {f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)}
