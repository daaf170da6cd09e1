"""Section 4, Fig. 5: what the annotations by eye say about metrics.

The counts can be made again from the list and the task files. The claim that the metrics with emergence are
mostly nonlinear or discontinuous is judged by our classification; its base rate is told beside it.
"""

from __future__ import annotations

from mirage_lib.analyses import base_rates
from mirage_lib.bigbench import annotations as marks
from mirage_lib.claims import registry
from mirage_lib.claims.registry import Verdict


@registry.test
def metrics_annotated_4_of_39() -> Verdict:
    raw = marks.emergent()
    named = sorted(set(raw["metric"]) - {marks.PROGRAMMATIC})
    programs = raw.filter(metric=marks.PROGRAMMATIC)["task"].to_list()
    same = marks.reconciled()
    agree = same["ours"].to_list() == same["published"].to_list()
    few = same.height
    verdict = "upheld" if len(named) == 4 and not programs else "partly" if agree and few == 4 else "not upheld"
    moved = ", ".join(marks.disputed()["task"])
    return Verdict(
        verdict,
        f"The {raw.height} tasks use {len(named)} metrics by the task files ({', '.join(named)}); {len(programs)} are programs "
        f"({', '.join(programs)}), whose metric no file names. Put under {marks.AGGREGATE}, together with {moved} (inferred: by its "
        f"files it is exact match), they give {few} of {marks.metrics().height} and {'exactly' if agree else 'not'} the published pie. "
        f"Counted by the programs' own metrics, which differ, it would be {len(named) + len(programs)}.",
    )


@registry.test
def metrics_92_percent() -> Verdict:
    total = sum(marks.PUBLISHED_PIE.values())
    theirs = sum(marks.PUBLISHED_PIE[metric] for metric in marks.TWO)
    ours = base_rates.contrast("programs as other")
    shares = theirs / total, ours.yes / ours.emergent
    return Verdict(
        registry.grade(*(share > 0.92 for share in shares)),
        f"As published {theirs} of {total} ({shares[0]:.1%}); by the task files {ours.yes} of {ours.emergent} ({shares[1]:.1%}). "
        f"Tasks drawn without looking at their curves would give {base_rates.expected():.0%} among those with a file.",
    )


@registry.test
def metrics_base_rate() -> Verdict:
    table = base_rates.robustness()
    main = table.filter(rule=base_rates.MAIN).row(0, named=True)
    wide = table.filter(rule="programs as other").row(0, named=True)
    firm = table.filter(table["odds_low"] > 1)
    verdict = "upheld" if main["odds_low"] > 1 else "not upheld" if main["odds_high"] < 1 else "partly"
    return Verdict(
        verdict,
        f"Among tasks with a file {main['yes']} of {main['emergent']} ({main['share']:.1%}) against {main['other_yes']} of {main['others']} "
        f"({main['other_share']:.1%}): odds ratio {main['odds_ratio']:.1f} ({main['odds_low']:.1f} to {main['odds_high']:.0f}), one-sided p "
        f"{main['p']:.3f}. With programs counted as other metrics {wide['share']:.0%} against {wide['other_share']:.0%}. The interval lies "
        f"above 1 by {firm.height} of {table.height} ways to count; {base_rates.fragility(base_rates.contrast())} emergent tasks with another "
        "metric would undo it.",
    )


@registry.test
def metrics_nonlinear() -> Verdict:
    seen, read = base_rates.shapes("fig5b"), base_rates.shapes("fig5a")
    table = marks.metrics()
    settled = table.filter(table["shape"] != "depends")
    bent = seen.yes + seen.other_yes
    verdict = "upheld" if min(seen.yes / seen.emergent, read.yes / read.emergent) > 0.5 else "not upheld"
    return Verdict(
        verdict,
        f"By our classification {seen.yes} of the {seen.emergent} annotated metrics and {read.yes} of the {read.emergent} that we read off "
        f"Fig. 5A are nonlinear or discontinuous; the rest has the shape of what it averages. But so are {bent} of all "
        f"{table.height} (the others: {seen.other_yes} of {seen.others}, p {seen.fisher():.2f}), and {bent} of the {settled.height} whose shape can "
        f"be told; {(table['shape'] == 'linear').sum()} is linear. Hardly any metric could have been the counterexample.",
    )
