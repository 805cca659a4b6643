"""The ten digits as a pen draws them: lists of points, and the short straight segments through them."""

from functools import cache

import numpy as np

Points = list[tuple[int, int]]

SPANS = 4  # straight pieces between two points of a curve: about a pixel each at the sizes that `digits` draws

# x to the right and y down, in hundredths of half a digit's height, so that y runs from -100 to 100. A curve is smooth,
# a line turns a sharp corner at each point, a loop is a curve that closes. Strokes that meet share a point.
CURVES: dict[int, list[Points]] = {
    1: [[(-34, -60), (-10, -76), (8, -100)]],
    2: [[(-50, -56), (-36, -86), (0, -100), (38, -86), (50, -50), (30, -6), (-14, 46), (-56, 96)]],
    3: [
        [(-46, -74), (-20, -97), (16, -97), (42, -74), (40, -38), (16, -13), (-14, -8)],
        [(-14, -8), (26, -1), (52, 30), (48, 70), (16, 97), (-24, 97), (-54, 72)],
    ],
    5: [[(-40, -10), (-10, -28), (26, -24), (52, 6), (52, 50), (24, 88), (-16, 98), (-54, 76)]],
    6: [
        [
            (36, -98),
            (-6, -72),
            (-38, -24),
            (-52, 32),
            (-40, 80),
            (0, 100),
            (40, 80),
            (50, 42),
            (32, 6),
            (-2, -2),
            (-34, 16),
            (-52, 46),
        ]
    ],
    7: [[(54, -94), (24, -34), (0, 28), (-14, 98)]],
    9: [[(48, -46), (47, 4), (42, 48), (30, 98)]],
}
LINES: dict[int, list[Points]] = {
    1: [[(8, -100), (8, 100)]],
    2: [[(-56, 96), (58, 96)]],
    4: [[(-34, -98), (-54, 16), (58, 16)], [(30, -62), (24, 100)]],
    5: [[(46, -96), (-32, -96), (-40, -10)]],
    7: [[(-54, -94), (54, -94)]],
}
LOOPS: dict[int, list[Points]] = {
    0: [[(0, -100), (40, -74), (56, 0), (40, 74), (0, 100), (-40, 74), (-56, 0), (-40, -74)]],
    8: [
        [
            (0, -100),
            (36, -86),
            (44, -50),
            (0, -8),
            (-50, 30),
            (-50, 74),
            (0, 100),
            (50, 74),
            (50, 30),
            (0, -8),
            (-44, -50),
            (-36, -86),
        ]
    ],
    9: [[(0, -100), (38, -84), (48, -46), (34, -8), (-2, 6), (-38, -8), (-52, -46), (-38, -84)]],
}


@cache
def segments(digit: int) -> np.ndarray:
    """The strokes of `digit` (0 to 9) as segments: float64 [s, 2 ends, 2], x right and y down, height from -1 to 1."""
    lines = [np.array(points) for points in LINES.get(digit, [])]
    curves = [_smooth([points[0], *points, points[-1]]) for points in CURVES.get(digit, [])]
    loops = [_smooth([points[-1], *points, *points[:2]]) for points in LOOPS.get(digit, [])]
    return np.concatenate([np.stack([path[:-1], path[1:]], axis=1) for path in lines + curves + loops]) / 100


def _smooth(points: Points) -> np.ndarray:
    """A Catmull-Rom spline through all but the outer two points, which steer its ends: p points to [s + 1, 2]."""
    knots = np.array(points, dtype=float)
    before, start, end, after = (knots[i : len(knots) - 3 + i, None] for i in range(4))
    t = np.arange(SPANS)[:, None] / SPANS
    slope, curve, twist = end - before, 2 * before - 5 * start + 4 * end - after, 3 * start - before - 3 * end + after
    pieces = start + t / 2 * (slope + t * (curve + t * twist))
    return np.concatenate([pieces.reshape(-1, 2), knots[-2:-1]])
