"""Daily mean temperatures of a weather station, through the Meteostat client.

The client (version 2) swallows every error of a download and goes on with what is left,
and it sets no time limit. So it is asked for one calendar year at a time, in a thread
with a deadline, and a year without data is an error: never a shorter series in silence.
"""

import logging
import math
import queue
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.client import HTTPException
from os import PathLike
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import numpy as np

from qlstm.forecasting.sources.series import Series, check_type, parse_days, span

DEFAULT_STATION = "71508"
_ONTARIO = {
    "71508": "Toronto City",
    "2XUGG": "Toronto City Centre",
    "71624": "Toronto Pearson",
    "71063": "Ottawa",
    "0CNUO": "Rawson Lake",
}
_NETWORK = (URLError, HTTPException, ConnectionError, TimeoutError)
_LOGGER = logging.getLogger("meteostat")
_STATION_ID = re.compile(r"[A-Za-z0-9]+", re.ASCII)


class _YearFailed(Exception):
    """The client has no data for a calendar year: the reason, and what to do."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


class _Failure(NamedTuple):
    """What the client logs: its text, and the exception if there is one."""

    text: str
    error: BaseException | None


class _Year(NamedTuple):
    """A calendar year's days `(n,)`, temperatures `(n,)` and the data's owners."""

    days: np.ndarray
    values: np.ndarray
    owners: set[str]


def fetch_meteostat(
    station: str = DEFAULT_STATION,
    *,
    start: date | str = date(2024, 5, 10),
    end: date | str = date(2025, 5, 10),
    timeout: float = 20.0,
    cache_directory: str | PathLike | None = None,
) -> Series:
    """Fetch a station's daily mean temperatures from Meteostat.

    The client's own settings hold (`meteostat.config`, or `MS_...` in the environment),
    such as `daily_endpoint`. While this runs, the default timeout of new sockets and
    the client's cache settings and log level are changed for the whole process; they
    are restored at the end, whatever happens. So call it from one thread at a time.

    Args:
        station: Meteostat's station identifier, letters and digits.
        start: First day, a date or "YYYY-MM-DD".
        end: Last day, inclusive.
        timeout: Seconds that the whole fetch may take, all years together; the time to
            import the client comes on top.
        cache_directory: Where the client keeps downloaded years; None leaves the
            client's setting.

    Returns:
        The series in degrees Celsius, every day from `start` to `end` present, NaN
        where the station has no mean.

    Raises:
        TypeError: If an argument is of a wrong type (a datetime is no date).
        ValueError: If the station, the dates or the timeout make no sense.
        ConnectionError: If the data are not all there in time: no network, no answer,
            a failed download, a file that the client cannot read (its copy in the
            cache is named, and stays), or a calendar year without any data.
    """
    _check_request(station, timeout, cache_directory)
    first, last = _check_days(start, end)
    import meteostat  # here, because it is slow and most runs do without

    def fetch_years(stopped: threading.Event) -> list[_Year]:
        return list(_fetch_years(meteostat, station, first, last, stopped))

    try:
        with _settings(meteostat.config, timeout, cache_directory):
            years = _run_with_deadline(fetch_years, timeout)
            values, dates = _merge(years, first, last)
            if np.isnan(values).all():
                raise _no_temperature(meteostat.config, station, first.year)
    except (_YearFailed, TimeoutError) as error:
        raise ConnectionError(
            f"Meteostat gave no complete data for station {station} from {first} to "
            f"{last} ({error}); {getattr(error, 'advice', 'try again later')}, or use "
            "--csv or --sample instead."
        ) from None
    provenance = {
        "source": "meteostat",
        "station": station,
        "station_name": _ONTARIO.get(station, ""),
        "column": "temp",
        **span(values, dates),
        "frequency": "1 day",
        "attribution": ", ".join(["Meteostat", *sorted(_owners(station, years))]),
        "library": f"meteostat {meteostat.__version__}",
        "endpoint": meteostat.config.daily_endpoint,
    }
    return Series(values, dates, "daily mean temperature", "degC", provenance)


def _check_request(
    station: str, timeout: float, cache_directory: str | PathLike | None
) -> None:
    """Refuse what the client would not; the station becomes part of an address."""
    check_type("station", station, (str,), "a string such as '71508'")
    if not _STATION_ID.fullmatch(station):
        raise ValueError(
            "Argument `station` must be letters and digits such as '71508', but it is "
            f"{station!r}."
        )
    check_type("timeout", timeout, (int, float), "a number of seconds")
    if not (math.isfinite(timeout) and timeout > 0):
        raise ValueError(
            f"Argument `timeout` must be positive and finite, but it is {timeout}."
        )
    paths = (str, PathLike, type(None))
    check_type("cache_directory", cache_directory, paths, "a path or None")


def _check_days(start: date | str, end: date | str) -> tuple[date, date]:
    """First and last day; unlike a file, a station has no ends of its own."""
    for argument, day in (("start", start), ("end", end)):
        if day is None:
            raise TypeError(f"Argument `{argument}` must be a date, but it is None.")
    return parse_days(start, end)


def _run_with_deadline(
    work: Callable[[threading.Event], list[_Year]], timeout: float
) -> list[_Year]:
    """Result of `work` in a thread; after `timeout` seconds the thread is left alone.

    A socket's timeout bounds each wait, but not a server that sends a byte now and
    then, nor a name look-up; only leaving the thread behind bounds them all.
    """
    outcome = queue.SimpleQueue()
    stopped = threading.Event()

    def run():
        try:
            outcome.put((work(stopped), None))
        except Exception as error:  # noqa: BLE001 - the caller's thread raises it
            outcome.put((None, error))

    threading.Thread(target=run, name="qlstm-meteostat", daemon=True).start()
    try:
        result, error = outcome.get(timeout=timeout)
    except queue.Empty:
        raise TimeoutError(f"no complete answer within {timeout:g} s") from None
    finally:
        stopped.set()
    if error is not None:
        raise error
    return result


@contextmanager
def _settings(config, timeout: float, cache_directory) -> Iterator[None]:
    """Settings of this process and the client that hold during one fetch."""
    # The client copies the endpoint when its provider is first imported, and then
    # overlooks every change of its own configuration.
    provider = sys.modules.get("meteostat.providers.meteostat.daily")
    changes = []
    if hasattr(provider, "ENDPOINT"):
        changes.append((provider, "ENDPOINT", config.daily_endpoint))
    if cache_directory is not None:
        changes.append((config, "cache_directory", str(cache_directory)))
        # Its cleaning deletes every file over 30 days old, whoever's it is.
        changes.append((config, "cache_autoclean", False))
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    socket_timeout, log_level = socket.getdefaulttimeout(), _LOGGER.level
    try:
        # A little less than all of it, so that the client can still say what failed.
        socket.setdefaulttimeout(0.9 * timeout)
        _LOGGER.setLevel(logging.INFO)  # it reports a missing file as mere information
        for owner, name, value in changes:
            setattr(owner, name, value)
        yield
    finally:
        _LOGGER.setLevel(log_level)
        socket.setdefaulttimeout(socket_timeout)
        for owner, name, value in before:
            setattr(owner, name, value)


def _fetch_years(
    meteostat, station: str, first: date, last: date, stopped: threading.Event
) -> Iterator[_Year]:
    """Each calendar year from first to last; the first that fails ends it."""
    country = "CA" if station in _ONTARIO else None
    place = meteostat.Station(id=station, name=_ONTARIO.get(station), country=country)
    with _listening() as failures:
        for year in range(first.year, last.year + 1):
            if stopped.is_set():
                return
            start = max(first, date(year, 1, 1))
            end = min(last, date(year, 12, 31))
            copy = _cached_copy(station, year)
            before = _state(copy)
            try:
                series = meteostat.daily(place, start, end)
                frame = series.fetch()
                found = None if frame is None or frame.empty else _read(series, frame)
            except Exception as error:  # noqa: BLE001 - whatever the client trips over
                found = None
                failures.append(_Failure(_reason(error), error))
            if found is None:
                file = _address(meteostat.config, station, year)
                is_old = before is not None and _state(copy) == before
                raise _failed(year, failures, file, copy, is_old)
            yield found


def _read(series, frame) -> _Year:
    """A calendar year from the client's table."""
    return _Year(
        days=frame.index.to_numpy().astype("datetime64[D]"),
        values=frame["temp"].to_numpy(dtype=np.float64, na_value=np.nan),
        owners={licence.attribution for licence in series.licenses} - {None},
    )


def _failed(
    year: int, failures: list[_Failure], file: str, copy: Path | None, is_old: bool
) -> _YearFailed:
    """Why a year failed, and what to do: is it the network, the file, or its copy?"""
    reason = f"{year}: {'; '.join(failure.text for failure in failures)}"
    errors = [failure.error for failure in failures if failure.error is not None]
    if not failures:
        reason += f"no daily data in {file}"
        return _YearFailed(reason, f"check the dates and the file{_kept_as(copy)}")
    if not errors:  # the service has no such file
        return _YearFailed(reason, "check the station and the dates")
    if is_old:
        advice = f"the copy {copy} of {file} is damaged: remove it to download it anew"
        return _YearFailed(reason, advice)
    if isinstance(errors[-1], _NETWORK):
        return _YearFailed(reason, "try again later")
    return _YearFailed(reason, f"the file {file} cannot be read{_kept_as(copy)}")


def _no_temperature(config, station: str, year: int) -> _YearFailed:
    """No year has a mean: it is not measured, or the first file is not as usual."""
    file, copy = _address(config, station, year), _cached_copy(station, year)
    reason = f"{year}: no daily mean temperature, temp, in {file}"
    return _YearFailed(reason, f"check the dates and the file{_kept_as(copy)}")


def _kept_as(copy: Path | None) -> str:
    """Where a file's copy is, if there is one, and what to do with it."""
    if copy is None or not copy.exists():
        return ""
    return f" (remove its copy {copy} to download it anew)"


def _address(config, station: str, year: int) -> str:
    """Where the service has a year's file."""
    return config.daily_endpoint.format(station=station, year=year)


def _cached_copy(station: str, year: int) -> Path | None:
    """Where the client keeps a year; None if it keeps none, or no longer that way."""
    try:
        from meteostat.core.cache import cache_service
        from meteostat.providers.meteostat.daily import get_df

        uid = cache_service._func_to_uid(get_df.__wrapped__, (station, year), {})
        return Path(cache_service.get_cache_path(uid, "pickle"))
    except (ImportError, AttributeError, TypeError):
        return None


def _state(path: Path | None) -> tuple[int, int] | None:
    """What changes when a file is written; None if there is none."""
    if path is None or not path.exists():
        return None
    found = path.stat()
    return found.st_mtime_ns, found.st_size


@contextmanager
def _listening() -> Iterator[list[_Failure]]:
    """Keep this thread's log records of the client from the user; yield what failed."""
    failures = []
    thread = threading.get_ident()

    def keep(record: logging.LogRecord) -> bool:
        if threading.get_ident() != thread:
            return True
        error = record.exc_info[1] if record.exc_info else None
        text = _reason(error) if error is not None else record.getMessage()
        failures.append(_Failure(" ".join(text.split()), error))
        return False

    _LOGGER.addFilter(keep)
    try:
        yield failures
    finally:
        # In this thread: one that was left behind stays quiet until it ends.
        _LOGGER.removeFilter(keep)


def _reason(error: BaseException) -> str:
    """What went wrong, in one line."""
    text = str(error) or type(error).__name__
    text = text.removeprefix("<urlopen error ").removesuffix(">")
    return " ".join(text.split())[:200]


def _merge(
    years: list[_Year], first: date, last: date
) -> tuple[np.ndarray, np.ndarray]:
    """Values `(n,)` and dates `(n,)` of every day from first to last."""
    dates = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    values = np.full(len(dates), np.nan)
    for year in years:
        values[(year.days - dates[0]).astype(np.int64)] = year.values
    return values, dates


def _owners(station: str, years: list[_Year]) -> set[str]:
    """Whom to name beside Meteostat; for Ontario always the national service."""
    owners = {"Environment and Climate Change Canada"} if station in _ONTARIO else set()
    return owners.union(*(year.owners for year in years))
