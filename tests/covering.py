"""Cases of a product of options that cover it with few: every triple of values occurs."""

from itertools import combinations, product


def covering(*axes, strength=3):
    """Cases in which any `strength` axes take all their combinations of values.

    A greedy choice from the whole product, the same one every time. An error that
    needs a certain value of up to three options at once is met by some case.

    Args:
        axes: The values of each option.
        strength: How many options are crossed.

    Returns:
        A list of tuples, a value of each axis.
    """
    axes = [list(axis) for axis in axes]
    cases = list(product(*(range(len(axis)) for axis in axes)))
    groups = list(combinations(range(len(axes)), min(strength, len(axes))))

    def shown(case):
        return {(group, tuple(case[k] for k in group)) for group in groups}

    shows = {case: shown(case) for case in cases}
    wanted, chosen = set().union(*shows.values()), []
    while wanted:
        best = max(cases, key=lambda case: len(shows[case] & wanted))
        chosen.append(best)
        wanted -= shows[best]
    return [tuple(a[k] for a, k in zip(axes, case, strict=True)) for case in chosen]
