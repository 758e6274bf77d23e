"""Where a series comes from: a CSV file, Meteostat, or a packaged sample.

The source is what the caller asks for, or an error: none stands in for another.
"""

from importlib.metadata import version

from qlstm.forecasting.sources.csv_file import load_csv, load_csv_columns
from qlstm.forecasting.sources.meteostat import fetch_meteostat
from qlstm.forecasting.sources.series import Series, sha256_of_values, span

__all__ = [
    "Series",
    "fetch_meteostat",
    "load_csv",
    "load_csv_columns",
    "load_sample",
    "sha256_of_values",
]


def load_sample() -> Series:
    """Load Seattle's daily temperatures, 2012 to 2015, from vega_datasets, offline.

    The daily mean is taken as `(temp_max + temp_min) / 2` of `seattle-weather`: four
    years of observations in degrees Celsius. The package's other file, `seattle-temps`,
    holds hours of 2010 only, so smooth that they look like a climate's averages.

    This is Seattle, not Ontario: for trying things out, not for the paper's figures.

    Returns:
        The series, 1461 days without a gap.

    Raises:
        ImportError: If vega_datasets is not installed.
    """
    try:
        from vega_datasets import local_data
    except ImportError:
        raise ImportError(
            "The sample needs the package vega_datasets, but it is not installed: "
            'pip install "qlstm[sample]".'
        ) from None
    # The packaged file is read as any other CSV, whatever the version of pandas.
    path = local_data.seattle_weather.filepath
    highs, lows = load_csv(path, column="temp_max"), load_csv(path, column="temp_min")
    values = (highs.values + lows.values) / 2
    provenance = {
        "source": "sample",
        "dataset": "seattle-weather",
        "place": "Seattle, Washington, USA (not Ontario)",
        "column": "(temp_max + temp_min) / 2",
        **span(values, highs.dates),
        "frequency": highs.provenance["frequency"],
        "attribution": "NOAA, public domain",
        "library": f"vega_datasets {version('vega_datasets')}",
    }
    name = "daily mean temperature, Seattle"
    return Series(values, highs.dates, name, "degC", provenance)
