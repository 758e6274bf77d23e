"""How fast are training and the simulator, beside others and beside this machine?

``python -m experiments.speed``: one thread; what is compared is timed in turn, one of
each in every round. A floor is the least that the same work takes here: the products,
or the copies of the state, that no way around leaves out. A unit is one ``(5, 16) @
(16, 16)`` complex product. Peers are checked against ours before they are timed.
"""

import argparse
import time
from pathlib import Path

from experiments.speed.peers import MODULES, PACKAGES, choose
from experiments.speed.report import headline, section
from experiments.speed.runs import FULL, QUICK, SECTIONS
from qlstm.commands import (
    Parser,
    Progress,
    ensure_one_thread,
    positive_int,
    run_main,
    write_results,
)
from qlstm.files import versions


def options() -> Parser:
    """The options of this benchmark."""
    parser = Parser("experiments.speed", __doc__)
    add = parser.add_argument
    names = list(SECTIONS)
    add("--only", nargs="+", choices=names, default=names, help="sections")
    help_ = "others beside us, all that are installed if none is named (extra bench)"
    add("--peers", nargs="*", choices=list(MODULES), help=help_)
    add("--rounds", type=positive_int, help="most rounds of a comparison")
    add("--seconds", type=positive_int, help="most seconds of a comparison, about")
    add("--quick", action="store_true", help="small sizes: a look, no measurement")
    add("--out", type=Path, default=Path("results"), help="folder for what is written")
    return parser


def main(args: argparse.Namespace) -> None:
    """Time what was asked for, in one thread; print, draw, write."""
    ensure_one_thread("experiments.speed")
    start = time.perf_counter()
    peers = choose(args.peers)
    args.out.mkdir(parents=True, exist_ok=True)  # an error now, not after the timing
    sizes = QUICK if args.quick else FULL
    sizes = sizes._replace(
        rounds=args.rounds or sizes.rounds, seconds=args.seconds or sizes.seconds
    )
    installed = versions() | versions(*(p for name in peers for p in PACKAGES[name]))
    print(headline(installed) + "\n", flush=True)
    found, progress = {}, Progress()
    for name in dict.fromkeys(args.only):
        progress.show(f"{name} ...")
        found[name] = SECTIONS[name](sizes, peers)
        progress.clear()
        print(section(name, found[name]), flush=True)
    content = {
        "experiment": "speed",
        "versions": installed,
        "sizes": sizes._asdict(),
        "sections": found,
        "seconds": time.perf_counter() - start,
    }
    files = {"speed.json": content}
    if "growth" in found:
        from experiments.speed.figures import draw_growth  # matplotlib is slow to load

        files["speed_growth.png"] = draw_growth(found["growth"])
    write_results(args.out, files)


if __name__ == "__main__":
    run_main(main, options())
