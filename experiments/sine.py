"""The paper's noisy sine (section 3, Fig. 4): ``python -m experiments.sine``."""

import argparse

import numpy as np

from qlstm.commands import forecasting_parser, run_forecasts, run_main
from qlstm.forecasting import SINE_PROTOCOLS, Series, noisy_sine


def main(args: argparse.Namespace) -> None:
    """Draw the series, train, and report."""
    protocol = SINE_PROTOCOLS[args.protocol]
    rng = np.random.default_rng(args.seed)
    values = noisy_sine(protocol, rng)
    provenance = {"source": "synthetic", "noise": protocol.noise, "seed": args.seed}
    series = Series(values, None, "noisy sine", "", provenance)
    run_forecasts(args, "sine", series, protocol, rng)


if __name__ == "__main__":
    run_main(main, forecasting_parser("experiments.sine", __doc__, SINE_PROTOCOLS))
