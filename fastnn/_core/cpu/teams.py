"""Teams of threads that follow the machine: as many threads as are fastest now.

The number of threads changes no bit of a result, so an engine may change it while it works. It
works in slices of time, and tells its team what each of them took.

There are two reasons why fewer threads may be faster: another program holds one of the processors,
so that all threads wait for the one that does not run; or processors share a core or a memory bus.
The threads measure how long they wait, so a team that runs undisturbed is left alone. The rest is
found out by trying another number of threads for a few milliseconds now and then.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from .engine import startable_team
from .threads import stack_size

#: Seconds of a slice, and of one with a number of threads that is new or being tried.
SLICE, SHORT_SLICE = 0.05, 0.004
#: Seconds from a trial of a number of threads to the next one: twice as many each time that it was
#: slower, until it has been the fastest for a while.
PAUSE, LONGEST_PAUSE = 0.1, 2.0
#: Seconds for which a measurement holds, and for which teams begin as the latest one ended.
FRESH, REMEMBERED = 1.0, 60.0
#: Another number of threads is chosen if it is faster by this factor.
GAIN = 1.05
#: With less than this part of the speed of threads that never wait, fewer are tried at once.
UNDISTURBED = 0.8


@dataclass
class _Size:
    """A number of threads, and what is known of it."""

    threads: int
    measured: float  # when
    cost: float = math.inf  # seconds for a unit of work
    pause: float = PAUSE

    def note(self, cost, now):
        """Take note of a measurement; slices differ, and their mean is more reliable."""
        self.cost = (self.cost + cost) / 2 if self.is_fresh(now) else cost
        self.measured = now

    def is_fresh(self, now):
        return self.cost < math.inf and now - self.measured < FRESH

    def is_due(self, now):
        return now - self.measured >= self.pause


class Team:
    """Number of threads of an engine, from slice to slice.

    Parameters
    ----------
    most : int
        Largest number of threads. The team begins with it, unless the latest team of this process
        found out that fewer are faster.
    clock : callable, default=time.monotonic
    """

    # The size that a team chose last, the next larger one, and when.
    _latest: tuple[_Size | None, _Size | None, float] = None, None, -math.inf

    def __init__(self, most, clock=time.monotonic):
        now = clock()
        self.most, self._clock = most, clock
        self._sizes = [_Size(threads, now) for threads in sizes_up_to(most)]
        self._home = len(self._sizes) - 1
        self._begin_as_the_latest(now)
        self._since = now
        self._begin(self._home, SHORT_SLICE)

    def _begin_as_the_latest(self, now):
        """Begin with as many threads as the latest team ended, and try more when that was to."""
        latest, larger, when = type(self)._latest
        if now - when > REMEMBERED or larger is None:
            return
        while self._home > 0 and self._sizes[self._home].threads > latest.threads:
            size = self._sizes[self._home]
            size.measured, size.pause = larger.measured, larger.pause
            self._home -= 1

    def next_slice(self):
        """Return number of threads and seconds of the next slice."""
        threads = self._sizes[self._current].threads
        startable = startable_team(threads, stack_size()) if threads > 1 else 1
        if startable < threads:
            del self._sizes[self._current :]
            self._sizes.append(_Size(startable, self._clock()))
            self._home = self._current
        return startable, max(self._length - self._seconds, 0.0)

    def record(self, work, seconds, busy, is_over=True):
        """Take note of a slice, and decide how many threads the next one has.

        Parameters
        ----------
        work : float
            Work that was done, in any unit.
        seconds : float
            Duration.
        busy : float
            Seconds in which threads did not wait for one that did not run, all threads together.
        is_over : bool, default=True
            Whether the slice was over before the call was.
        """
        self._work, self._seconds = self._work + work, self._seconds + seconds
        self._busy += busy
        if self._work == 0 or (not is_over and self._seconds < self._length):
            return  # the next call goes on with the slice
        now, size = self._clock(), self._sizes[self._current]
        size.note(self._seconds / self._work, now)
        if self._current == self._home:
            self._after_slice(size, now)
        else:
            self._after_trial(size, now)
        type(self)._latest = self._sizes[self._home], self._neighbour(1), now

    def _begin(self, index, length):
        """Begin a slice."""
        self._current, self._length = index, length
        self._work, self._seconds, self._busy = 0, 0.0, 0.0

    def _after_slice(self, home, now):
        """Go on, or begin a trial of another size, or go back to one that was faster."""
        if now - self._since > FRESH:
            home.pause = PAUSE
        lower, higher = (self._neighbour(step) for step in (-1, 1))
        if lower and self._speed() < UNDISTURBED * home.threads:
            if lower.is_fresh(now) and lower.cost * GAIN < home.cost:
                home.pause = min(2 * home.pause, LONGEST_PAUSE)
                self._move(-1, now)
                return
            if lower.cost == math.inf or lower.is_due(now):
                self._begin(self._home - 1, SHORT_SLICE)
                return
        due = [size for size in (lower, higher) if size and size.is_due(now)]
        if due:
            other = min(due, key=lambda size: size.measured)
            self._begin(self._home + (1 if other is higher else -1), SHORT_SLICE)
        else:
            self._begin(self._home, min(2 * self._length, SLICE))

    def _neighbour(self, step):
        index = self._home + step
        return self._sizes[index] if 0 <= index < len(self._sizes) else None

    def _speed(self):
        """Return the speed in that of one thread which always runs.

        While one thread does not run, all others wait for it.
        """
        threads = self._sizes[self._current].threads
        waited = threads - self._busy / self._seconds
        return threads * (1 - waited / max(1, threads - 1))

    def _after_trial(self, tried, now):
        """Stay with the size that was tried, or go back."""
        if tried.cost * GAIN < self._sizes[self._home].cost:
            self._move(self._current - self._home, now)
        else:
            tried.pause = min(2 * tried.pause, LONGEST_PAUSE)
            self._begin(self._home, SLICE)

    def _move(self, step, now):
        self._home, self._since = self._home + step, now
        self._begin(self._home, SHORT_SLICE)


class PredictingTeam(Team):
    """Number of threads that predict: they take rows as they get done with others.

    So none waits for another before the end, and another number than in training may be best.
    """

    _latest = Team._latest

    def _speed(self):
        return self._busy / self._seconds


def sizes_up_to(most):
    """Return numbers of threads to choose among: 1, 2, 3, 4, 6, 8, 12, 16, .., `most`."""
    powers = [1 << i for i in range(most.bit_length())]
    sizes = {size for power in powers for size in (power, power * 3 // 2)} | {most}
    return sorted(size for size in sizes if size <= most)
