"""Meteostat's own client, run against a server on the loopback interface."""

import gzip
import json
import logging
import os
import pickle
import socket
import threading
import time
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from qlstm.forecasting.sources import fetch_meteostat


def year_file(temperatures: dict) -> bytes:
    """A year as the service sends it: a line a day, None for a missing mean."""
    lines = ["year,month,day,temp,temp_source,prcp,prcp_source"]
    for day, value in temperatures.items():
        temp = "," if value is None else f"{value},eccc_daily"
        lines.append(f"{day.year},{day.month},{day.day},{temp},0.5,eccc_daily")
    return gzip.compress("\n".join(lines).encode())


def temperatures(year: int) -> dict:
    """A temperature for each day of a year; a different one each year."""
    first = date(year, 1, 1)
    n_days = (date(year + 1, 1, 1) - first).days
    return {first + timedelta(i): round(year / 100 - i / 20, 1) for i in range(n_days)}


def reply(handler, status: int, body: bytes = b"") -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(answer):
    """A loopback server that calls `answer(handler, year)`; yields it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.paths.append(self.path)
            # The client hangs up early in some tests.
            try:
                answer(self, int(self.path.split("/")[2]))
            except OSError:
                pass

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.paths = []
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}
    )
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def client(monkeypatch, tmp_path):
    """The client set up for loopback; afterwards, that a fetch left no trace."""
    meteostat = pytest.importorskip("meteostat")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(meteostat.config, "cache_directory", str(tmp_path / "own"))
    logger = logging.getLogger("meteostat")
    log_level = logger.level
    logger.setLevel(logging.ERROR)
    socket_timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(123.0)

    def state():
        config = {
            name: getattr(meteostat.config, name)
            for name in dir(meteostat.config)
            if not name.startswith("_")
            and not callable(getattr(meteostat.config, name))
        }
        log = logger.level, logger.disabled, logger.propagate, list(logger.handlers)
        return config, log, socket.getdefaulttimeout()

    class Client:
        cache = tmp_path / "cache"

        def fetch(self, endpoint, **kwargs):
            """Fetch from an endpoint, then check that all settings are back."""
            monkeypatch.setattr(meteostat.config, "daily_endpoint", endpoint)
            before = state()
            kwargs = {"cache_directory": self.cache, "timeout": 10, **kwargs}
            try:
                return fetch_meteostat(**kwargs)
            finally:
                assert state() == before

        def fetch_from(self, server, **kwargs):
            port = server.server_address[1]
            endpoint = f"http://127.0.0.1:{port}/daily/{{year}}/{{station}}.csv.gz"
            return self.fetch(endpoint, **kwargs)

    yield Client()
    socket.setdefaulttimeout(socket_timeout)
    logger.setLevel(log_level)
    deadline = time.monotonic() + 600
    while logger.filters and time.monotonic() < deadline:
        time.sleep(0.01)
    assert logger.filters == []


def unavailable(info, reason: str) -> None:
    """Check the one error of a fetch: where, when, why, and what to do next."""
    message = str(info.value)
    assert "\n" not in message
    assert "station 71508 from 2024-05-10 to 2025-05-10" in message
    assert reason in message
    assert "--csv" in message
    assert "--sample" in message


def test_meteostat_values_gaps_and_requests(client):
    """Two years through the real client: a blank mean, an absent day, both gaps."""
    years = {2024: temperatures(2024), 2025: temperatures(2025)}
    years[2024][date(2024, 10, 4)] = None
    del years[2025][date(2025, 2, 8)]
    with serving(lambda h, year: reply(h, 200, year_file(years[year]))) as server:
        series = client.fetch_from(server)
        again = client.fetch_from(server)
    assert server.paths == ["/daily/2024/71508.csv.gz", "/daily/2025/71508.csv.gz"]
    assert again.sha256 == series.sha256  # from the cache: no more requests

    days = [date(2024, 5, 10) + timedelta(i) for i in range(366)]
    expected = [years[day.year].get(day) for day in days]
    np.testing.assert_array_equal(series.values, np.array(expected, dtype=float))
    assert series.values.dtype == np.float64
    assert series.dates.dtype == "M8[D]"
    assert series.dates.tolist() == days
    assert (series.name, series.unit) == ("daily mean temperature", "degC")

    provenance = series.provenance
    assert (provenance["rows"], provenance["gaps"]) == (366, 2)
    assert provenance["source"] == "meteostat"
    assert provenance["station"] == "71508"
    assert provenance["first_date"] == "2024-05-10"
    assert provenance["last_date"] == "2025-05-10"
    assert "Environment and Climate Change Canada" in provenance["attribution"]
    assert provenance["library"].startswith("meteostat 2.")
    json.dumps(provenance)


def test_meteostat_follows_the_endpoint_of_each_call(client):
    """The client itself keeps the first endpoint it ever saw."""
    for value in (1.0, 2.0):
        body = year_file({date(2024, 5, 10): value})
        with serving(lambda h, year, body=body: reply(h, 200, body)) as server:
            series = client.fetch_from(
                server,
                start="2024-05-10",
                end="2024-05-10",
                cache_directory=client.cache / str(value),
            )
        assert series.values.tolist() == [value]


def test_meteostat_keeps_other_files_in_the_cache_directory(client, monkeypatch):
    """The client's cleaning would delete whatever is older than 30 days."""
    from meteostat.core.cache import cache_service

    monkeypatch.setattr(cache_service, "_purged", False)  # it cleans once a process
    client.cache.mkdir()
    thesis = client.cache / "thesis.tex"
    thesis.write_text("old")
    os.utime(thesis, (0, 0))
    body = year_file({date(2024, 5, 10): 1.0})
    with serving(lambda h, year: reply(h, 200, body)) as server:
        client.fetch_from(server, start="2024-05-10", end="2024-05-10")
    assert thesis.exists()


def test_meteostat_not_found(client):
    with (
        serving(lambda h, year: reply(h, 404)) as server,
        pytest.raises(ConnectionError) as info,
    ):
        client.fetch_from(server)
    unavailable(info, "(2024: Data file for station")
    unavailable(info, "was not found)")


@pytest.mark.parametrize("status", [404, 500])
def test_meteostat_part_of_the_data_is_an_error(client, status, capfd, caplog):
    """The client alone would return 2024 and say nothing but a log record."""

    def answer(handler, year):
        if year == 2024:
            reply(handler, 200, year_file(temperatures(2024)))
        else:
            reply(handler, status)

    with serving(answer) as server, pytest.raises(ConnectionError) as info:
        client.fetch_from(server)
    unavailable(info, "(2025: ")
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_meteostat_says_why_a_download_failed(client):
    with (
        serving(lambda h, year: reply(h, 500)) as server,
        pytest.raises(ConnectionError) as info,
    ):
        client.fetch_from(server)
    unavailable(info, "(2024: HTTP Error 500: Internal Server Error)")


def test_meteostat_file_cut_short_is_an_error(client):
    body = year_file(temperatures(2024))
    with (
        serving(lambda h, year: reply(h, 200, body[: len(body) // 2])) as server,
        pytest.raises(ConnectionError) as info,
    ):
        client.fetch_from(server)
    unavailable(info, "(2024: ")


YEAR = gzip.decompress(year_file(temperatures(2024))).decode()
HEADER = YEAR.split("\n")[0]
BAD_FILES = {
    "numeric source": gzip.compress(YEAR.replace("eccc_daily", "5").encode()),
    "text for a temperature": gzip.compress(YEAR.replace(",12.6,", ",mild,").encode()),
    "empty": b"",
    "empty inside": gzip.compress(b""),
    "not gzip": YEAR.encode(),
    "a web page": b"<html><body>Service unavailable</body></html>",
    "cut short": year_file(temperatures(2024))[:900],
    "other columns": gzip.compress(YEAR.replace("temp", "wind").encode()),
    "no source": gzip.compress(YEAR.replace(",temp_source", ",wind").encode()),
    "columns in another order": gzip.compress(
        YEAR.replace("year,month,day,temp", "temp,year,month,day").encode()
    ),
    "a header alone": gzip.compress(HEADER.encode()),
    "a day twice": gzip.compress(f"{YEAR}\n2024,5,10,1,eccc_daily,,".encode()),
    "no day": gzip.compress(f"{YEAR}\n2024,13,45,1,eccc_daily,,".encode()),
    "binary": gzip.compress(bytes(range(256))),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_meteostat_file_that_the_client_trips_over(client, case, capfd):
    """One line with the year and the file, then a sound file is read."""
    files = {"body": BAD_FILES[case]}
    days = {"start": "2024-05-10", "end": "2024-07-10"}
    with serving(lambda h, year: reply(h, 200, files["body"])) as server:
        for _ in range(2):  # what the client keeps is no better
            with pytest.raises(ConnectionError) as info:
                client.fetch_from(server, **days)
            message = str(info.value)
            assert "\n" not in message and len(message) < 1000
            assert "(2024: " in message and "/daily/2024/71508.csv.gz" in message
            assert "check the station" not in message
            assert "--csv" in message and "--sample" in message
        files["body"] = year_file(temperatures(2024))
        for copy in client.cache.iterdir():
            assert (str(copy) in message) == ("copy" in message)
            copy.unlink()
        assert client.fetch_from(server, **days).gaps == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("case", ["cut short", "empty", "junk", "another object"])
def test_meteostat_names_a_damaged_copy(client, case):
    """The client has it for 30 days; nothing is deleted, and no request is made."""
    days = {"start": "2024-05-10", "end": "2024-07-10"}
    with serving(lambda h, year: reply(h, 200, year_file(temperatures(2024)))) as s:
        whole = client.fetch_from(s, **days)
        (copy,) = client.cache.iterdir()
        content = copy.read_bytes()
        content = {
            "cut short": content[: len(content) // 2],
            "empty": b"",
            "junk": b"junk" * 9,
            "another object": pickle.dumps([1, 2]),
        }[case]
        copy.write_bytes(content)
        for _ in range(2):
            with pytest.raises(ConnectionError) as info:
                client.fetch_from(s, **days)
            message = str(info.value)
            assert "\n" not in message and "(2024: " in message
            assert f"the copy {copy} of http://" in message
            assert "remove it to download it anew" in message
            assert "check the station" not in message
            assert copy.read_bytes() == content
        assert len(s.paths) == 1
        copy.unlink()
        assert client.fetch_from(s, **days).sha256 == whole.sha256


def test_meteostat_only_gaps_is_an_error(client):
    gaps = {year: dict.fromkeys(temperatures(year)) for year in (2024, 2025)}
    with (
        serving(lambda h, year: reply(h, 200, year_file(gaps[year]))) as server,
        pytest.raises(ConnectionError) as info,
    ):
        client.fetch_from(server)
    unavailable(info, "no daily mean temperature")


def test_meteostat_server_that_never_answers(client):
    silent = socket.create_server(("127.0.0.1", 0))
    endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/{{year}}/{{station}}"
    began = time.monotonic()
    with silent, pytest.raises(ConnectionError) as info:
        client.fetch(endpoint, timeout=0.5)
    assert 0.4 < time.monotonic() - began < 60
    unavailable(info, "(2024: ")


def test_meteostat_server_that_trickles(client, monkeypatch):
    """Each byte is in time, the whole is not: only the deadline helps."""
    import meteostat

    asked, daily = [], meteostat.daily

    def recorded(station, start, end):
        asked.append(start)
        return daily(station, start, end)

    monkeypatch.setattr(meteostat, "daily", recorded)
    client.cache.mkdir()  # so that the late year can be stored, and ends well
    released = threading.Event()
    body = year_file(temperatures(2024))

    def answer(handler, year):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        n_sent = 0
        while not released.wait(0.05):
            handler.wfile.write(body[n_sent : n_sent + 1])
            n_sent += 1
        handler.wfile.write(body[n_sent:])

    with serving(answer) as server:
        began = time.monotonic()
        with pytest.raises(ConnectionError) as info:
            client.fetch_from(server, timeout=0.5)
        assert 0.4 < time.monotonic() - began < 60
        unavailable(info, "no complete answer within 0.5 s")
        left = [t for t in threading.enumerate() if t.name == "qlstm-meteostat"]
        assert [thread.daemon for thread in left] == [True]
        released.set()
        left[0].join(5)
        assert asked == [date(2024, 5, 10)]  # it goes on to no other year


def test_meteostat_connection_refused(client):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionError) as info:
        client.fetch(f"http://127.0.0.1:{port}/{{year}}/{{station}}.csv.gz")
    unavailable(info, "refused")


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"station": ""}, ValueError, "`station` must be letters and digits"),
        ({"station": "../71508"}, ValueError, "`station` must be letters and digits"),
        ({"station": 71508}, TypeError, "`station` must be a string .* type is int"),
        ({"timeout": 0}, ValueError, "`timeout` must be positive .* it is 0"),
        ({"timeout": float("nan")}, ValueError, "`timeout` must be positive .* nan"),
        ({"timeout": "5"}, TypeError, "`timeout` must be a number .* type is str"),
        ({"cache_directory": 5}, TypeError, "`cache_directory` must be a path .* int"),
        ({"start": None}, TypeError, "`start` must be a date, but it is None"),
    ],
)
def test_meteostat_bad_requests(request_, error, message):
    with pytest.raises(error, match=message) as info:
        fetch_meteostat(**request_)
    assert "\n" not in str(info.value)
