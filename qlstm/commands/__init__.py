"""What makes a command: parser, errors by option, progress, tables, status."""

from qlstm.commands.forecasts import (
    add_csv_options,
    add_model_options,
    csv_source,
    forecast_table,
    forecasting_parser,
    model_config,
    run_forecasts,
)
from qlstm.commands.parser import (
    Parser,
    ensure_one_thread,
    positive_int,
    run_main,
    seed_int,
)
from qlstm.commands.progress import Progress, epoch_progress
from qlstm.commands.results import series_record, write_results
from qlstm.commands.sweeps import add_sweep_options, run_configs
from qlstm.tables import format_table

__all__ = [
    "Parser",
    "Progress",
    "add_csv_options",
    "add_model_options",
    "add_sweep_options",
    "csv_source",
    "ensure_one_thread",
    "epoch_progress",
    "forecast_table",
    "forecasting_parser",
    "format_table",
    "model_config",
    "positive_int",
    "run_configs",
    "run_forecasts",
    "run_main",
    "seed_int",
    "series_record",
    "write_results",
]
