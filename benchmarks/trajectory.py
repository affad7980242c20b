"""Error against training time for a method that trains for as long as it is given."""

import time

MARKS = 6  # looks, each at twice the time of the one before


class Trajectory:
    """Looks at a method at seconds/32, seconds/16, ... seconds; the clock stands still during a look.

    Args:
        case: The flow.
        seconds: Budget of training, set-up included.
    """

    def __init__(self, case, seconds):
        self.case, self.seconds = case, seconds
        self.marks = [seconds / 2**k for k in reversed(range(MARKS))]
        self.rows = []
        self.looking = 0.0
        self.began = time.perf_counter()

    @property
    def elapsed(self):
        """Seconds of training so far."""
        return time.perf_counter() - self.began - self.looking

    @property
    def over(self):
        """Whether the budget is spent."""
        return not self.marks

    def look(self, velocity, **extra):
        """Judge ``velocity(points, t)`` if a mark has passed; call after every iteration."""
        now = self.elapsed
        if not self.over and now >= self.marks[0]:
            self.judge(velocity, now, extra)
            self.marks = [m for m in self.marks if m > now]

    def finish(self, velocity, **extra):
        """Judge a method that has stopped by itself before its time."""
        if not self.over:
            self.judge(velocity, self.elapsed, extra)
            self.marks = []

    def judge(self, velocity, now, extra):
        """Append one row."""
        began = time.perf_counter()
        self.rows.append((now, self.case.errors(velocity), extra))
        self.looking += time.perf_counter() - began
