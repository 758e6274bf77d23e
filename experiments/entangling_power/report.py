"""Tables and paragraphs of `experiments.entangling_power`; ``z``: no negative zeros."""

from typing import Any

import numpy as np

from experiments.entangling_power import runs
from qlstm.commands import format_table


def gates_table(rows: list[dict[str, Any]]) -> str:
    """The named gates as text."""
    columns = {
        "K": "K",
        "LN": "LN",
        "e_p": "e_p",
        "E_0_unassisted": "E_0 alone",
        "E_0_assisted": "E_0 anc",
        "E_unassisted": "E alone",
        "E_assisted": "E anc",
    }
    header = ["gate", *columns.values(), "certified E_up", "Weyl/(pi/4)", "residual"]
    cells = []
    for row in rows:
        low, high = row["certified"]
        weyl = row["weyl_over_pi_4"]
        numbers = [f"{row[column]:z.6f}" for column in columns]
        cells.append([row["name"], *numbers, f"[{low:z.6f}, {high:z.6f}]"])
        cells[-1].append(
            "-" if weyl is None else ",".join(f"{round(w, 3):g}" for w in weyl)
        )
        cells[-1].append(f"{row['maximality_residual']:z.6f}")
    return format_table(header, cells)


def gates_paragraph(rows: list[dict[str, Any]]) -> str:
    """What to see in the table of gates."""
    row = {row["name"]: row for row in rows}
    swap, up, down = row["SWAP"], row["qubit-qutrit, up"], row["qubit-qutrit, down"]
    near, far = row["CNOT ring, 0,1:2,3"], row["CNOT ring, 0,2:1,3"]
    low, high = down["certified"]
    return (
        f"Without ancillas SWAP makes {swap['E_unassisted']:z.3f} ebits, "
        f"with them {swap['E_assisted']:z.3f}, yet its e_p is {swap['e_p']:z.3f}. "
        f"The CNOT ring makes {near['E_assisted']:z.3f} ebits across 0,1:2,3, "
        f"where two CNOTs cross, and {far['E_assisted']:z.3f} "
        "across 0,2:1,3, where all four do. The qubit-qutrit gate can create "
        f"{up['certified'][0]:z.6f} ebits and destroy at least {low:z.6f} and at most "
        f"{high:z.6f}: the intervals are apart, so it is proved, and K and e_p are the "
        "same both ways. A residual of 0 says that the largest power, "
        "2 log2 min(dA, dB), is reached if sigma is positive, too."
    )


def sandwich_paragraph(lines: dict[str, Any]) -> str:
    """What to see along the two lines."""
    pairs = {"K": "K", "E_0": "E_0", "E_up": "E_up", "LN": "upper"}
    worst = max(
        np.abs(np.subtract(line["closed"][key], line["found"][other])).max()
        for line in lines.values()
        for key, other in pairs.items()
        if key in line["closed"]
    )
    fine = np.linspace(0, runs.PI_4, 2001)
    exact = runs.heisenberg_lines(fine)
    excess = exact["E_0_unassisted"] - exact["K"]
    where = int(excess.argmax())
    a, ising = lines["ising"]["a"], lines["ising"]["found"]
    gap = np.subtract(ising["upper"], ising["E_up"]).max()
    ratio = ising["E_up"][1] / ising["E_0"][1]
    return (
        f"K <= E_0 <= E_up <= LN at every point, and the searches are within "
        f"{worst:.0e} ebits of the closed forms. Along the Ising line entangled inputs "
        f"gain {ratio:.1f} times as much as product ones at a = {a[1]:.3f}, and E_up "
        f"is at most {gap:.3f} ebits under LN. "
        f"On the Heisenberg line K is not E_0: the input |01> beats K by up to "
        f"{excess[where]:.4f} ebits (at a = {fine[where]:.3f}). Without ancillas the "
        "power falls back to 0 towards SWAP; with them it ends at 2 ebits."
    )


def circuits_table(rows: dict[str, dict[str, Any]]) -> str:
    """The ensembles as text; a count of 3/1 means 3 found, 1 of them proved."""
    header = ["circuit", "K", "e_p", "E_up", "[min, max]", "E_down", "[min, max]"]
    header += ["down > up", "up > down", "width"]
    cells = []
    for name, row in rows.items():
        cells.append([name, f"{row['K']:z.3f}", f"{row['e_p']:z.4f}"])
        for key in ("E_up", "E_down"):
            mean, low, high = (f"{value:z.3f}" for value in row[key].values())
            cells[-1] += [mean, f"[{low}, {high}]"]
        for key in ("down_over_up", "up_over_down"):
            cells[-1].append(f"{row[key]}/{row[f'{key}_proved']}")
        cells[-1].append(f"{row['width']:z.3f}")
    return format_table(header, cells)


def circuits_paragraph(rows: dict[str, dict[str, Any]], gate: dict[str, Any]) -> str:
    """What to see, and which of it is proved."""
    parts = [
        f"{name}: the search finds {sign} in {rows[name][key]} of "
        f"{rows[name]['n_draws']} draws, the certified intervals do not overlap in "
        f"{rows[name][f'{key}_proved']}"
        for key, names, sign in (
            ("down_over_up", (runs.RY_TURN, runs.RY_UNIT), "E_down > E_up"),
            ("up_over_down", (runs.INVERSE_TURN, runs.INVERSE_UNIT), "E_up > E_down"),
        )
        for name in names
    ]
    turn, haar = (
        rows[name]["difference"]["mean"] for name in (runs.RY_TURN, runs.HAAR)
    )
    up, down = (
        f"[{low:z.6f}, {high:z.6f}]" for low, high in (gate["up"], gate["down"])
    )
    return (
        f"Numbers such as 3/1: in 3 draws by more than {runs.MARGIN:g}, in 1 of them "
        f"with certified intervals apart. {'; '.join(parts)}. Only where the intervals "
        "are apart is the order proved (up to rounding); elsewhere it is numerical, as "
        f"the search may have missed a better input. The mean of E_down - E_up is "
        f"{turn:+.4f} for {runs.RY_TURN} and {haar:+.4f} for Haar, where either order "
        f"occurs. The RX circuit sits at (4, 4) for every angle. The qubit-qutrit gate "
        f"has E_up in {up} and E_down in {down}: proved. K and e_p "
        "of a circuit and of its inverse are equal: neither can see any of this."
    )


def map_paragraph(content: dict[str, Any]) -> str:
    """What to see in the map."""
    ry, rx = (np.array(content["K"][rotation]) for rotation in ("RY", "RX"))
    return (
        f"With RY, two angles of the second layer move K between {ry.min():.3f} and "
        f"{ry.max():.3f} ebits (the other angles are {runs.FIXED_ANGLE} radians). With "
        f"RX, K is {rx.mean():.6f} everywhere (largest deviation "
        f"{np.abs(rx - 4).max():.0e}): two layers of RX have nothing to train here."
    )
