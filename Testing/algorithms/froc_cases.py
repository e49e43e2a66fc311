"""Constructed detection results whose FROC follows on paper; positions in LPS mm as in LUNA16's tables.

A mark is (scan, x, y, z, score), a place (scan, x, y, z, diameter). Expected are the sensitivities at
0.125, 0.25, 0.5, 1, 2, 4 and 8 false positives per scan.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Row = tuple[str, float, float, float, float]
ALL = (1.0,) * 7
NONE = (0.0,) * 7


@dataclass(frozen=True)
class Case:
    """One constructed result and its sensitivities, with the counts that matter for it."""

    name: str
    marks: list[Row]
    nodules: list[Row]
    expected: tuple[float, ...]
    excluded: list[Row] = field(default_factory=list)
    series: tuple[str, ...] = ("a",)
    counts: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def far(number: int, score: float, scan: str = "a") -> Row:
    """A mark far from everything."""
    return (scan, 500.0 + number, 0.0, 0.0, score)


NODULE = ("a", 0.0, 0.0, 0.0, 10.0)
OTHER = ("a", 100.0, 0.0, 0.0, 10.0)
HIT = ("a", 1.0, 1.0, 1.0, 0.9)
SIXTEEN = tuple(f"s{number}" for number in range(16))

CASES = [
    Case("one hit and nothing else", [HIT], [NODULE], ALL),
    Case("no marks at all", [], [NODULE, OTHER], NONE),
    Case("only false positives", [far(0, 0.9), far(1, 0.5)], [NODULE], NONE),
    Case("hit without false positive, one nodule missed", [HIT], [NODULE, OTHER], (0.5,) * 7),
    Case("a missed nodule counts in the denominator only", [HIT, far(0, 0.1)], [NODULE, OTHER], (0.5,) * 7),
    Case("false positive below the hit", [HIT, far(0, 0.1)], [NODULE], ALL),
    Case("false positive above the hit", [HIT, far(0, 0.95)], [NODULE], (0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0)),
    Case("false positive tied with the hit", [HIT, far(0, 0.9)], [NODULE], (0.125, 0.25, 0.5, 1.0, 1.0, 1.0, 1.0)),
    Case("two false positives tied with the hit", [HIT, far(0, 0.9), far(1, 0.9)], [NODULE],
         (0.0625, 0.125, 0.25, 0.5, 1.0, 1.0, 1.0)),
    Case("all marks tied, two hits and four false positives",
         [HIT, ("a", 100.0, 0.0, 0.0, 0.9), *(far(n, 0.9) for n in range(4))], [NODULE, OTHER],
         (0.03125, 0.0625, 0.125, 0.25, 0.5, 1.0, 1.0)),
    Case("exactly on the radius is a miss", [("a", 5.0, 0.0, 0.0, 0.9)], [NODULE], NONE),
    Case("just inside the radius is a hit", [("a", 4.999999, 0.0, 0.0, 0.9)], [NODULE], ALL),
    Case("on the radius along a diagonal is a miss", [("a", 3.0, 4.0, 0.0, 0.9)], [NODULE], NONE),
    Case("diameter below zero counts as 10 mm", [("a", 4.9, 0.0, 0.0, 0.9)], [("a", 0.0, 0.0, 0.0, -1.0)], ALL),
    Case("diameter below zero ends at 5 mm", [("a", 5.0, 0.0, 0.0, 0.9)], [("a", 0.0, 0.0, 0.0, -1.0)], NONE),
    Case("diameter zero cannot be hit", [("a", 0.0, 0.0, 0.0, 0.9)], [("a", 0.0, 0.0, 0.0, 0.0)], NONE),
    Case("a double detection is no false positive", [HIT, ("a", 2.0, 0.0, 0.0, 0.95)], [NODULE], ALL,
         counts={"doubles": 1}),
    Case("of a double detection the best score counts",
         [("a", 0.0, 0.0, 0.0, 0.2), far(0, 0.5), ("a", 1.0, 0.0, 0.0, 0.8)], [NODULE], ALL, counts={"doubles": 1}),
    Case("three marks on one nodule, all below a false positive",
         [("a", 0.0, 0.0, 0.0, 0.2), ("a", 1.0, 0.0, 0.0, 0.3), ("a", 2.0, 0.0, 0.0, 0.1), far(0, 0.5)], [NODULE],
         (0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0), counts={"doubles": 2}),
    Case("one mark inside two nodules counts for both", [("a", 2.0, 0.0, 0.0, 0.9)],
         [NODULE, ("a", 4.0, 0.0, 0.0, 10.0)], ALL, counts={"doubles": 0}),
    Case("a mark on an excluded finding is ignored", [HIT, ("a", 200.0, 0.0, 0.0, 0.99)], [NODULE], ALL,
         excluded=[("a", 200.0, 0.0, 0.0, 6.0)], counts={"marks_on_excluded": 1}),
    Case("an excluded finding ignores within its own radius only", [HIT, ("a", 203.0, 0.0, 0.0, 0.99)], [NODULE],
         (0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0), excluded=[("a", 200.0, 0.0, 0.0, 6.0)],
         counts={"marks_on_excluded": 0}),
    Case("an excluded finding without diameter ignores within 5 mm", [HIT, ("a", 204.9, 0.0, 0.0, 0.99)], [NODULE],
         ALL, excluded=[("a", 200.0, 0.0, 0.0, -1.0)], counts={"marks_on_excluded": 1}),
    Case("a mark on a nodule and on an excluded finding is a hit", [HIT], [NODULE], ALL,
         excluded=[("a", 1.0, 1.0, 1.0, 10.0)], counts={"marks_on_excluded": 0}),
    Case("a mark on two excluded findings is ignored once", [HIT, ("a", 201.0, 0.0, 0.0, 0.99)], [NODULE], ALL,
         excluded=[("a", 200.0, 0.0, 0.0, 6.0), ("a", 202.0, 0.0, 0.0, 6.0)], counts={"marks_on_excluded": 1}),
    Case("an excluded finding is not in the denominator", [HIT], [NODULE], ALL,
         excluded=[("a", 300.0, 0.0, 0.0, 8.0)]),
    Case("a series without mark counts as a scan", [HIT, far(0, 0.95)], [NODULE],
         (0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0), series=("a", "b")),
    Case("sixteen scans share one false positive", [("s0", 0.0, 0.0, 0.0, 0.5), far(0, 0.9, "s9")],
         [("s0", 0.0, 0.0, 0.0, 10.0)], ALL, series=SIXTEEN),
    Case("eight scans: the first rate is reached by the first false positive",
         [("s0", 0.0, 0.0, 0.0, 0.5), far(0, 0.9, "s5"), far(1, 0.8, "s6")], [("s0", 0.0, 0.0, 0.0, 10.0)],
         (0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0), series=SIXTEEN[:8]),
    Case("a mark in a series that is not listed is left out", [HIT, far(0, 0.95, "z")], [NODULE], ALL,
         counts={"marks_elsewhere": 1}),
    Case("a nodule in a series that is not listed is left out", [HIT], [NODULE, ("z", 0.0, 0.0, 0.0, 10.0)], ALL,
         counts={"nodules_elsewhere": 1}),
    Case("the same place in another series is no hit", [("b", 0.0, 0.0, 0.0, 0.9)], [NODULE], NONE,
         series=("a", "b")),
    Case("hits and false positives in turn", [HIT, far(0, 0.8), ("a", 100.0, 0.0, 0.0, 0.7), far(1, 0.6)],
         [NODULE, OTHER], (0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0)),
    Case("between two points the curve is a line",
         [HIT, far(0, 0.5), far(1, 0.5), ("a", 100.0, 0.0, 0.0, 0.5)], [NODULE, OTHER],
         (0.53125, 0.5625, 0.625, 0.75, 1.0, 1.0, 1.0)),
    Case("scores may be negative or above one", [("a", 0.0, 0.0, 0.0, -3.0), far(0, -7.5), far(1, 12.0)], [NODULE],
         (0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0)),
    Case("exactly 100 marks are all kept",
         [*(far(n, 0.9) for n in range(7)), *(far(n, 0.1) for n in range(7, 99)), ("a", 0.0, 0.0, 0.0, 0.5)],
         [NODULE], (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0), counts={"marks_cut": 0}),
    Case("the 101st mark goes", [("a", 0.0, 0.0, 0.0, 0.001), *(far(n, 0.9 - n / 1000) for n in range(100))], [NODULE],
         NONE, counts={"marks_cut": 1}),
    Case("marks tied at the cut all go, the hit among them",
         [("a", 0.0, 0.0, 0.0, 0.5), *(far(n, 0.9) for n in range(4)), *(far(n, 0.5) for n in range(4, 101))],
         [NODULE], NONE, counts={"marks_cut": 98}),
    Case("101 equal marks leave none", [("a", 0.0, 0.0, 0.0, 0.5), *(far(n, 0.5) for n in range(100))], [NODULE],
         NONE, counts={"marks_cut": 101}),
    Case("marks on excluded findings use up the hundred",
         [*(("a", 200.0, 0.0, 0.0, 0.9 - n / 1000) for n in range(100)), (*HIT[:4], 0.1)], [NODULE], NONE,
         excluded=[("a", 200.0, 0.0, 0.0, 6.0)], counts={"marks_cut": 1, "marks_on_excluded": 100}),
    Case("doubles use up the hundred",
         [*(("a", 0.0, 0.0, 0.0, 0.9 - n / 1000) for n in range(100)), ("a", 100.0, 0.0, 0.0, 0.1)], [NODULE, OTHER],
         (0.5,) * 7, counts={"marks_cut": 1, "doubles": 99}),
    Case("the limit is per scan", [*(far(n, 0.1) for n in range(60)), *(far(n, 0.1, "b") for n in range(60)), HIT],
         [NODULE], ALL, series=("a", "b"), counts={"marks_cut": 0}),
]
