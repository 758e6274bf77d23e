"""Series from CSV files and from the packaged sample; what all sources share."""

import hashlib
import json
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from qlstm.forecasting.checks import warn_of_markers
from qlstm.forecasting.sources import Series, fetch_meteostat, load_csv, load_sample

TORONTO = (
    Path(__file__).resolve().parents[2]
    / "shared"
    / "data"
    / "toronto_city_centre_2024-05-10_2025-05-10.csv"
)


# Series


def test_series_digest_is_that_of_the_little_endian_bytes():
    values = np.array([1.5, -2.0])
    series = Series(values, None, "x", "", {})
    assert series.sha256 == hashlib.sha256(values.astype("<f8").tobytes()).hexdigest()


def test_series_digest_is_the_same_for_every_nan():
    quiet, other = np.array([0x7FF8000000000000, 0xFFF8000000000001], np.uint64).view(
        np.float64
    )
    plain = Series(np.array([1.0, quiet]), None, "x", "", {})
    odd = Series(np.array([1.0, other]), None, "x", "", {})
    assert plain.values.tobytes() != odd.values.tobytes()
    assert plain.sha256 == odd.sha256
    assert plain.gaps == 1


def test_series_refuses_wrong_shapes():
    with pytest.raises(ValueError, match=r"`values` must be a float64 array .* int64"):
        Series(np.array([1, 2], dtype=np.int64), None, "x", "", {})
    with pytest.raises(ValueError, match=r"`values` .* shape \(1, 2\)"):
        Series(np.ones((1, 2)), None, "x", "", {})
    dates = np.array(["2024-05-10"], dtype="M8[D]")
    with pytest.raises(ValueError, match=r"`dates` must have shape \(2,\)"):
        Series(np.ones(2), dates, "x", "", {})


# CSV


@pytest.fixture
def write(tmp_path):
    """A function that writes text to a CSV file and returns its path."""

    def write(text, encoding="utf-8"):
        path = tmp_path / "data.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def one_line(info) -> str:
    """The message of an error that must be one line that says what came."""
    message = str(info.value)
    assert "\n" not in message
    assert ", but " in message
    return message


def test_csv_is_sorted_and_missing_days_become_gaps(write):
    path = write("date,tavg\n2024-03-02,4\n2024-02-28,1.5\n2024-02-29,\n")
    series = load_csv(path)
    np.testing.assert_array_equal(series.values, [1.5, np.nan, np.nan, 4.0])
    days = ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]
    assert series.dates.dtype == "M8[D]"
    assert series.dates.astype(str).tolist() == days
    assert series.values.dtype == np.float64
    assert (series.name, series.unit) == ("daily mean temperature", "degC")
    assert series.provenance == {
        "source": "csv",
        "file": "data.csv",
        "column": "tavg",
        "first_date": "2024-02-28",
        "last_date": "2024-03-02",
        "rows": 4,
        "gaps": 2,
        "frequency": "1 day",
    }


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("date,temp,tavg", "tavg"),
        ("Date,Mean Temp (°C),TEMP", "TEMP"),
        ("Date/Time,x,Mean Temp (°C)", "Mean Temp (°C)"),
    ],
)
def test_csv_default_column_follows_the_order_of_preference(write, header, chosen):
    path = write(f"{header}\n2024-05-10,1,2\n2024-05-11,3,4\n")
    series = load_csv(path)
    assert series.provenance["column"] == chosen
    np.testing.assert_array_equal(series.values, [2, 4])


def test_csv_named_columns(write):
    path = write("when,date,tavg,snow\n2024-05-10,x,1,7\n2024-05-11,y,2,8\n")
    series = load_csv(path, column="snow", date_column="when")
    np.testing.assert_array_equal(series.values, [7, 8])
    assert (series.name, series.unit) == ("snow", "")


def test_csv_reads_environment_canada_bulk_files(write):
    header = (
        '"Longitude (x)","Latitude (y)","Station Name","Climate ID","Date/Time",'
        '"Year","Month","Day","Max Temp (°C)","Max Temp Flag","Mean Temp (°C)",'
        '"Mean Temp Flag"'
    )
    place = '"-79.40","43.63","TORONTO, CITY CENTRE","6158359"'
    text = (
        f"{header}\r\n"
        f'{place},"2024-05-10","2024","05","10","14.6","","12.0",""\r\n'
        f'{place},"2024-05-11","2024","05","11","","M","","M"\r\n'
        f'{place},"2024-05-12","2024","05","12","17.5","","-0.5","E"\r\n'
    )
    series = load_csv(write(text, "utf-8-sig"))
    np.testing.assert_array_equal(series.values, [12.0, np.nan, -0.5])
    assert (series.name, series.unit) == ("daily mean temperature", "degC")
    owner = "Environment and Climate Change Canada"
    assert series.provenance["attribution"] == owner
    assert load_csv(write(text, "utf-8-sig"), column="Max Temp (°C)").unit == "degC"


def test_csv_with_a_byte_order_mark_before_a_bare_date_header(write):
    series = load_csv(write("date,tavg\n2024-05-10,1\n", "utf-8-sig"))
    assert series.provenance["rows"] == 1


def test_csv_times_stay_times(write):
    path = write(
        "Date/Time (LST),temp\n2024-05-10 00:00,1\n2024-05-10 01:00,2\n"
        "2024-05-10 03:00,3\n2024-05-11T00:00:00,4\n2024-05-11 01:00,5\n"
    )
    series = load_csv(path, end="2024-05-10")
    assert series.dates.dtype == "M8[s]"
    assert series.provenance["frequency"] == "1 hour"
    assert series.provenance["last_date"] == "2024-05-10T23:00:00"
    np.testing.assert_array_equal(series.values[:4], [1, 2, np.nan, 3])
    assert series.name == "temp"


def test_csv_midnights_are_days(write):
    path = write("time,tavg\n2024-05-10 00:00:00,1\n2024/5/11,2\n")
    assert load_csv(path).dates.astype(str).tolist() == ["2024-05-10", "2024-05-11"]


@pytest.mark.parametrize(
    ("days", "frequency"),
    [
        (["2024-01-01", "2024-01-08", "2024-01-22", "2024-01-29"], "7 days"),
        (["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"], "irregular"),
        (["0202-01-01", "2024-01-02", "2024-01-03", "2024-01-04"], "irregular"),
        (["2024-01-01"], "irregular"),
    ],
)
def test_csv_frequency(write, days, frequency):
    path = write("date,tavg\n" + "".join(f"{day},1\n" for day in days))
    series = load_csv(path)
    assert series.provenance["frequency"] == frequency
    assert series.provenance["gaps"] == (1 if frequency == "7 days" else 0)


def test_csv_clips_inclusively(write):
    days = [date(2024, 5, 10) + timedelta(i) for i in range(10)]
    path = write("date,tavg\n" + "".join(f"{day},{day.day}\n" for day in days))
    series = load_csv(path, start="2024-05-12", end=date(2024, 5, 14))
    np.testing.assert_array_equal(series.values, [12, 13, 14])
    assert series.provenance["first_date"] == "2024-05-12"
    assert load_csv(path, start="2024-05-18").values.tolist() == [18, 19]
    with pytest.raises(ValueError, match="must leave at least one row") as info:
        load_csv(path, start="2025-01-01")
    assert "runs from 2024-05-10 to 2024-05-19" in one_line(info)


@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_csv_blank_cells_are_gaps(write, blank):
    series = load_csv(write(f"date,tavg\n2024-05-10,{blank}\n2024-05-11,1\n"))
    np.testing.assert_array_equal(series.values, [np.nan, 1])


@pytest.mark.parametrize(
    "text",
    ["NA", "N/A", "null", "None", "NaN", "nan", "M", "-", "1_000", "12;3", "٣", "0x1"],
)
def test_csv_words_are_refused_not_gaps(write, text):
    path = write(f"date,tavg\n2024-05-10,1\n\n2024-05-11,{text}\n")
    with pytest.raises(ValueError, match="must hold numbers or blank cells") as info:
        load_csv(path)
    expected = f"in column 'tavg', but data.csv row 4 has {text!r}."
    assert one_line(info).endswith(expected)


@pytest.mark.parametrize("text", ["inf", "-Infinity", "1e999"])
def test_csv_infinite_values_are_refused(write, text):
    with pytest.raises(ValueError, match=f"finite numbers .* row 2 has '{text}'"):
        load_csv(write(f"date,tavg\n2024-05-10,{text}\n"))


def test_csv_row_number_counts_the_lines_of_quoted_cells(write):
    path = write('date,note,tavg\n2024-05-10,"two\nlines",1\n2024-05-11,,oops\n')
    with pytest.raises(ValueError, match="row 4 has 'oops'"):
        load_csv(path)


@pytest.mark.parametrize(
    "text", ["", "10/05/2024", "2024-02-30", "2024-05-10 25:00", "2024-05/10", "Friday"]
)
def test_csv_dates_that_cannot_be_read_are_refused(write, text):
    path = write(f"date,tavg\n2024-05-10,1\n{text},2\n")
    with pytest.raises(ValueError, match="must hold dates YYYY-MM-DD") as info:
        load_csv(path)
    expected = f"in column 'date', but data.csv row 3 has {text!r}."
    assert one_line(info).endswith(expected)


def test_csv_dates_that_come_twice_are_refused(write):
    path = write("date,tavg\n2024-05-11,1\n2024-05-10,2\n2024-05-11,1\n")
    with pytest.raises(ValueError, match="must hold each date once") as info:
        load_csv(path)
    assert "has 2024-05-11 in rows 2 and 4." in one_line(info)


def test_csv_missing_columns_are_listed(write):
    path = write("date,tmin,tmax\n2024-05-10,1,2\n")
    with pytest.raises(ValueError, match="choose one with `column`") as info:
        load_csv(path)
    assert "'date', 'tmin', 'tmax'" in one_line(info)
    with pytest.raises(ValueError, match="'tavg' is not one of them") as info:
        load_csv(path, column="tavg")
    assert "'date', 'tmin', 'tmax'" in one_line(info)
    with pytest.raises(ValueError, match="choose one with `date_column`"):
        load_csv(write("day,tavg\n2024-05-10,1\n"))


def test_csv_column_named_twice_is_refused(write):
    with pytest.raises(ValueError, match="must name one column, .* 2 called 'tavg'"):
        load_csv(write("date,tavg,tavg\n2024-05-10,1,2\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "data.csv is empty"),
        ("\n \n", "data.csv is empty"),
        ("date,tavg\n", "data.csv has a header but no rows"),
        ("date,tavg\n2024-05-10,1\n2024-05", "row 3 has 1"),
        ("date,tavg\n2024-05-10,1,5\n", "2 cells in every row .* row 2 has 3"),
        ("date,tavg\n2024-05-10,\n2024-05-11,\n", "only blank cells from 2024-05-10"),
        ('date,tavg\n2024-05-10,"1\n', "is not one: unexpected end of data"),
    ],
)
def test_csv_broken_files_are_refused(write, text, message):
    with pytest.raises(ValueError, match=message) as info:
        load_csv(write(text))
    one_line(info)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_csv_in_another_encoding_is_refused(write, encoding):
    path = write("date,Mean Temp (°C)\n2024-05-10,1\n", encoding)
    with pytest.raises(ValueError, match="must name a UTF-8 text file") as info:
        load_csv(path)
    one_line(info)


ECCC_PLACE = '"-79.40","43.63","MONTRÉAL, MIRABEL","7035290"'
ECCC_DAILY = {
    "en": (
        '"Longitude (x)","Latitude (y)","Station Name","Climate ID","Date/Time",'
        '"Year","Month","Day","Data Quality","Max Temp (°C)","Max Temp Flag",'
        '"Mean Temp (°C)","Mean Temp Flag"'
    ),
    "fr": (
        '"Longitude (x)","Latitude (y)","Nom de la Station","ID climatologique",'
        '"Date/Heure","Année","Mois","Jour","Qualité des Données","Temp max.(°C)",'
        '"Temp max. Indicateur","Temp moy.(°C)","Temp moy. Indicateur"'
    ),
}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "latin-1", "cp1252"])
@pytest.mark.parametrize("language", ECCC_DAILY)
def test_csv_reads_daily_files_of_environment_canada(write, language, encoding):
    """English and French, as they come: hand-typed rows and values."""
    text = (
        f"{ECCC_DAILY[language]}\r\n"
        f'{ECCC_PLACE},"2024-01-01","2024","01","01","","1.5","","-5.0",""\r\n'
        f'{ECCC_PLACE},"2024-01-02","2024","01","02","","","M","","M"\r\n'
        f'{ECCC_PLACE},"2024-01-04","2024","01","04","","2.25","E","-0.5","E"\r\n'
    )
    if language == "fr":
        for number in ("1.5", "-5.0", "2.25", "-0.5"):
            text = text.replace(f'"{number}"', f'"{number.replace(".", ",")}"')
    path = write(text, encoding)
    series = load_csv(path)
    np.testing.assert_array_equal(series.values, [-5, np.nan, np.nan, -0.5])
    assert (series.name, series.unit) == ("daily mean temperature", "degC")
    assert series.dates[0] == np.datetime64("2024-01-01")
    owner = "Environment and Climate Change Canada"
    assert series.provenance["attribution"] == owner
    column = {"en": "Max Temp (°C)", "fr": "Temp max.(°C)"}[language]
    np.testing.assert_array_equal(
        load_csv(path, column=column).values, [1.5, np.nan, np.nan, 2.25]
    )


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ('"Date/Time","Mean Temp (°C)","Mean Temp Flag"', ("-7.3", "-1.0", "4.6")),
        ('"Date/Heure","Temp moy.(°C)","Indicateur"', ("-7,3", "-1,0", "4,6")),
        ('"Date/Heure","Temp moy. (°C)","Indicateur"', ("-7,3", "-1,0", "4,6")),
    ],
)
def test_csv_months_are_equally_spaced_and_gaps_are_months(write, header, cells):
    months = ("2023-11", "2023-12", "2024-03")
    rows = [f'"{m}","{c}",""\n' for m, c in zip(months, cells)]
    rows.insert(2, '"2024-01","","M"\n')
    series = load_csv(write(f"{header}\n{''.join(rows)}", "utf-8-sig"))
    np.testing.assert_array_equal(series.values, [-7.3, -1, np.nan, np.nan, 4.6])
    days = ["2023-11-01", "2023-12-01", "2024-01-01", "2024-02-01", "2024-03-01"]
    assert series.dates.astype(str).tolist() == days
    assert series.dates.dtype == "M8[D]"
    assert series.provenance["frequency"] == "1 month"
    assert (series.provenance["rows"], series.provenance["gaps"]) == (5, 2)
    assert (series.name, series.unit) == ("monthly mean temperature", "degC")


def test_csv_months_of_quarters_and_parts_of_them(write):
    months = ["2022-01", "2022-04", "2022-07", "2023-01", "2023-04"]
    path = write("date,level\n" + "".join(f"{m},{i}\n" for i, m in enumerate(months)))
    series = load_csv(path, column="level", start="2022-02-01")
    np.testing.assert_array_equal(series.values, [1, 2, np.nan, 3, 4])
    assert series.provenance["frequency"] == "3 months"


@pytest.mark.parametrize(
    ("first", "other", "message"),
    [
        ("2024-05", "2024-06-01", "must hold months YYYY-MM .* '2024-06-01'"),
        ("2024-05-01", "2024-06", "must hold dates YYYY-MM-DD.* row 3 has '2024-06'"),
        ("2024-05", "2024-13", "must hold months YYYY-MM .* row 3 has '2024-13'"),
        ("2024-05", "2024-05", "each date once, .* has 2024-05 in rows 2 and 3"),
    ],
)
def test_csv_months_and_days_are_not_mixed(write, first, other, message):
    with pytest.raises(ValueError, match=message) as info:
        load_csv(write(f"date,tavg\n{first},1\n{other},2\n"))
    one_line(info)


# Separators, decimals, marks of gaps


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_csv_separators_and_decimal_commas_are_read(write, separator):
    cells = [["date", "note, or; not", "tavg"], ["2024-05-10", "a", "-1,5"]]
    cells += [["2024-05-11", "b", ""], ["2024-05-12", "c", "12,25"]]
    text = "".join(separator.join(f'"{c}"' for c in row) + "\r\n" for row in cells)
    expected = [-1.5, np.nan, 12.25]
    path = write(text)
    np.testing.assert_array_equal(load_csv(path).values, expected)
    given = load_csv(path, separator=separator, decimal=",")
    np.testing.assert_array_equal(given.values, expected)
    np.testing.assert_array_equal(
        load_csv(write(text.replace("1,5", "1.5").replace("12,25", "12.25"))).values,
        expected,
    )


@pytest.mark.parametrize("name", ["tab", "\\t", "\t"])
def test_csv_tab_has_names(write, name):
    path = write("date\ttavg\n2024-05-10\t1,5\n")
    assert load_csv(path, separator=name).values.tolist() == [1.5]


def test_csv_separator_that_fits_all_rows_is_taken(write):
    path = write("date,tavg;note\n2024-05-10,1\n2024-05-11,2\n")
    assert load_csv(path, column="tavg;note").values.tolist() == [1, 2]
    path = write("date;tavg;rain, snow\n2024-05-10;1,5;2,0\n2024-05-11;2,5;3\n")
    assert load_csv(path).values.tolist() == [1.5, 2.5]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"'])
def test_csv_separator_may_have_a_line_of_its_own(write, line):
    path = write(f"{line}\r\ndate;a,tavg\r\n2024-05-10;1,5\r\n2024-05-11;x\r\n")
    with pytest.raises(ValueError, match="row 4 has 'x'"):
        load_csv(path, column="a,tavg")
    assert load_csv(path, column="a,tavg", missing="x").values[0] == 1.5


def test_csv_separator_that_is_not_clear_is_asked_for(write):
    path = write("date;a,tavg\n2024-05-10;1,5\n")
    with pytest.raises(ValueError, match="Argument `separator` must .*',' and ';'"):
        load_csv(path)
    series = load_csv(path, separator=";", column="a,tavg")
    assert series.values.tolist() == [1.5]
    with pytest.raises(ValueError, match="`separator` must be one of"):
        load_csv(path, separator="x")
    with pytest.raises(ValueError, match="`decimal` must be one of"):
        load_csv(path, decimal="'")


@pytest.mark.parametrize(
    ("separator", "cells"),
    [
        (",", ["1,234", "12,345"]),
        (";", ["1,234", ""]),
        (";", ["1.234", "1.234.567"]),
        ("\t", ["1.234", "-5.678"]),
    ],
)
def test_csv_thousands_are_never_guessed(write, separator, cells):
    rows = [f'"2024-05-1{i}"{separator}"{c}"\n' for i, c in enumerate(cells)]
    path = write(f'"date"{separator}"tavg"\n' + "".join(rows))
    with pytest.raises(ValueError, match="Argument `decimal` must say") as info:
        load_csv(path)
    assert one_line(info).endswith(f"row 2 has {cells[0]!r}, which may be thousands.")
    if "1.234.567" not in cells:
        mark = "," if "," in cells[0] else "."
        values = load_csv(path, decimal=mark).values
        assert values[0] == float(cells[0].replace(",", "."))


@pytest.mark.parametrize("cells", [("0,123", "1,234"), ("1,2", "1,234")])
def test_csv_decimals_that_cannot_be_thousands_are_read(write, cells):
    path = write(f"date;tavg\n2024-05-10;{cells[0]}\n2024-05-11;{cells[1]}\n")
    expected = [float(cell.replace(",", ".")) for cell in cells]
    assert load_csv(path).values.tolist() == expected


@pytest.mark.parametrize("cells", [("1.5", "2,5"), ("1.234,5", "7,5")])
def test_csv_two_kinds_of_decimals_are_refused(write, cells):
    path = write(f"date;tavg\n2024-05-10;{cells[0]}\n2024-05-11;{cells[1]}\n")
    for decimal in (None, ",", "."):
        with pytest.raises(ValueError, match="must hold numbers or blank") as info:
            load_csv(path, decimal=decimal)
        one_line(info)


@pytest.mark.parametrize(
    ("missing", "cells"),
    [
        (-9999, ["-9999", "1", "-9999.0"]),
        ("-9999", ["-9999.00", "1", "-9.999e3"]),
        (-9999.0, ["-9999,0", "1,0", "-9999,00"]),
        (["NA", "M"], ["NA", "1", "M"]),
        (("NA", 99.9), ["99.90", "1", "NA"]),
        ("-99,9", ["-99,9", "1", "-99,90"]),
        (-9999, ["-9999.0", "1,0", "-9999"]),
        ([-9999, ""], ["-9999", "1.0", ""]),
        (np.float32(-999), ["-999", "1", "-999.0"]),
    ],
)
def test_csv_marks_of_gaps(write, missing, cells):
    rows = [f'2024-05-1{i},"{c}"\n' for i, c in enumerate(cells)]
    series = load_csv(write(f"date,tavg\n{''.join(rows)}"), missing=missing)
    np.testing.assert_array_equal(series.values, [np.nan, 1, np.nan])
    assert series.provenance["gaps"] == 2
    several = isinstance(missing, (list, tuple))
    marks = {str(mark) for mark in (missing if several else [missing])}
    assert set(series.provenance["missing"]) == marks
    json.dumps(series.provenance)


@pytest.mark.parametrize("missing", [None, True, [None], {"NA"}, [["NA"]]])
def test_csv_marks_of_gaps_have_a_type(write, missing):
    path = write("date,tavg\n2024-05-10,1\n")
    with pytest.raises(TypeError, match="`missing` must be a number, a text") as info:
        load_csv(path, missing=missing)
    one_line(info)


def test_csv_messages_about_marks_name_the_option(write):
    with pytest.raises(ValueError, match="`missing`"):
        load_csv(write("date,tavg\n2024-05-10,NA\n"))
    with pytest.raises(ValueError, match="absolute zero.* --missing"):
        load_csv(write("date,tavg\n2024-05-10,-9999\n2024-05-11,1\n"))
    with pytest.warns(UserWarning, match=r"-9999 lies far .* --missing"):
        warn_of_markers(np.array([1.0, 2.0, 3.0, 4.0, -9999.0]))


def test_csv_path_must_be_a_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.csv does not exist") as info:
        load_csv(tmp_path / "nothing.csv")
    one_line(info)
    with pytest.raises(ValueError, match="is a directory") as info:
        load_csv(tmp_path)
    one_line(info)
    with pytest.raises(TypeError, match="`path` must be a path, .* NoneType"):
        load_csv(None)


@pytest.mark.parametrize(
    ("days", "error", "message"),
    [
        ({"start": "2024-05-1"}, ValueError, "`start` must be .*, but it is '2024-05"),
        ({"end": "20240510"}, ValueError, "`end` must be .*, but it is '20240510'"),
        ({"end": "2024-02-30"}, ValueError, "`end` must be .*, but it is '2024-02-30"),
        ({"start": datetime(2024, 5, 10)}, TypeError, "its type is datetime"),
        ({"end": 2024}, TypeError, "`end` must be .*, but its type is int"),
        (
            {"start": "2024-05-11", "end": date(2024, 5, 10)},
            ValueError,
            "`start` must not be after `end`, but 2024-05-11 is after 2024-05-10",
        ),
    ],
)
def test_days_are_checked_by_every_source(write, days, error, message):
    path = write("date,tavg\n2024-05-10,1\n")
    for load in (lambda: load_csv(path, **days), lambda: fetch_meteostat(**days)):
        with pytest.raises(error, match=message) as info:
            load()
        one_line(info)


@pytest.mark.skipif(not TORONTO.exists(), reason="the Toronto file is not at hand")
def test_csv_toronto_facts():
    series = load_csv(TORONTO)
    provenance = series.provenance
    assert (provenance["rows"], provenance["gaps"]) == (366, 3)
    assert provenance["first_date"] == "2024-05-10"
    assert provenance["last_date"] == "2025-05-10"
    gaps = series.dates[np.isnan(series.values)].astype(str).tolist()
    assert gaps == ["2024-10-04", "2024-10-05", "2025-02-08"]
    assert series.values[:3].tolist() == [12.0, 10.7, 13.9]


# The sample


def test_sample_is_seattle_and_says_so():
    pytest.importorskip("vega_datasets")
    series = load_sample()
    assert series.values.shape == series.dates.shape == (1461,)
    assert series.gaps == 0
    np.testing.assert_allclose(series.values[:2], [(12.8 + 5) / 2, (10.6 + 2.8) / 2])
    assert "Seattle" in series.name
    assert "not Ontario" in series.provenance["place"]
    assert series.provenance["first_date"] == "2012-01-01"
    assert series.provenance["last_date"] == "2015-12-31"
    assert series.provenance["library"].startswith("vega_datasets ")
    json.dumps(series.provenance)


def test_sample_without_the_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "vega_datasets", None)
    with pytest.raises(ImportError, match=r'pip install "qlstm\[sample\]"') as info:
        load_sample()
    one_line(info)


def test_import_is_light():
    code = (
        "import qlstm.forecasting.sources, sys; "
        "print([m for m in ('pandas', 'meteostat', 'vega_datasets')"
        " if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_masked_value_is_a_gap():
    values = np.ma.masked_equal([1.0, -9999.0], -9999.0)
    series = Series(values, None, "x", "degC", {})
    assert series.gaps == 1 and type(series.values) is np.ndarray
    assert series.sha256 == Series(np.array([1.0, np.nan]), None, "x", "", {}).sha256


def test_degrees_end_at_absolute_zero():
    with pytest.raises(ValueError, match="below absolute zero.* 2 of them .* -9999: "):
        Series(np.array([1.0, -9999.0, -9999.0]), None, "x", "degC", {})
    assert len(Series(np.array([-9999.0]), None, "x", "", {}).values) == 1
    with pytest.raises(
        ValueError, match="`values` must be one-dimensional and hold no"
    ):
        Series(np.array([np.inf]), None, "x", "", {})
