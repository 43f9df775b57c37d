"""Teams that follow the machine, on simulated machines whose speeds are known."""

import itertools

import pytest

from fastnn._core.cpu import teams
from fastnn._core.cpu.teams import Team, sizes_up_to


class Machine:
    """A machine on which a step takes as long as `speed` says.

    Parameters
    ----------
    speed : callable
        Takes the number of threads and the time; returns steps a second, and the part of the time
        in which each thread waits for one that does not run.
    """

    def __init__(self, speed):
        self.time, self.speed, self.tried = 0.0, speed, []

    def clock(self):
        return self.time

    def run(self, team, seconds, call=float("inf")):
        """Return the steps that a team does, in calls of so many seconds each."""
        steps, end = 0, self.time + seconds
        while self.time < end:
            call_end = min(self.time + call, end)
            while self.time < call_end:
                threads, length = team.next_slice()
                speed, waiting = self.speed(threads, self.time)
                done = max(1, round(speed * min(length, call_end - self.time)))
                duration = done / speed
                self.time += duration
                self.tried.append(threads)
                busy = duration * (threads - waiting * (threads - 1)) if threads > 1 else 0.0
                team.record(done, duration, busy, self.time < call_end)
                steps += done
        return steps


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(teams, "startable_team", lambda n, stack_size: n)
    monkeypatch.setattr(Team, "_latest", (None, None, float("-inf")))


def amdahl(serial):
    return lambda threads, time: (1e4 / (serial + (1 - serial) / threads), 0.0)


def beside_others(threads, time):
    """Two processors, one of which another program takes: two threads wait most of the time."""
    return (1e4, 0.0) if threads == 1 else (3e3, 0.8)


def shared_core(threads, time):
    """Two virtual processors of one core: nobody waits, and two threads are slower than one."""
    return (1e4, 0.0) if threads == 1 else (8.5e3, 0.0)


def memory_bound(threads, time):
    return 1e4 * min(threads, 6) / (1 + max(0, threads - 6) / 20), 0.0


MACHINES = {
    "idle": (amdahl(0.1), 2),
    "many processors": (amdahl(0.02), 16),
    "beside others": (beside_others, 2),
    "shared core": (shared_core, 2),
    "memory bound": (memory_bound, 16),
}


@pytest.mark.parametrize("call", [float("inf"), 0.03, 0.001], ids="calls of {} s".format)
@pytest.mark.parametrize("name", MACHINES)
def test_a_team_is_as_fast_as_the_best_number_of_threads(name, call):
    speed, most = MACHINES[name]
    machine = Machine(speed)
    best = max(speed(threads, 0.0)[0] for threads in range(1, most + 1))
    seconds = 3.0
    assert machine.run(Team(most, machine.clock), seconds, call) > 0.92 * best * seconds


@pytest.mark.parametrize("name", ["idle", "beside others"])
def test_short_trainings_lose_little(name):
    speed, most = MACHINES[name]
    machine = Machine(speed)
    best = max(speed(threads, 0.0)[0] for threads in range(1, most + 1))
    assert machine.run(Team(most, machine.clock), 0.2) > 0.93 * best * 0.2


def test_a_team_follows_as_the_machine_gets_busy_and_quiet():
    def speed(threads, time):
        busy = 1 <= time < 3
        return beside_others(threads, time) if busy else amdahl(0.1)(threads, time)

    machine = Machine(speed)
    team = Team(2, machine.clock)
    for seconds, threads in ((1, 2), (2, 1), (2, 2)):
        machine.run(team, seconds)
        assert machine.tried[-12:].count(threads) >= 10


def test_trials_become_rare_where_nothing_changes():
    machine = Machine(amdahl(0.1))
    team = Team(2, machine.clock)
    machine.run(team, 10)
    tried = machine.tried.count(1)
    assert 2 <= tried <= 10
    machine.run(team, 10)
    assert machine.tried.count(1) - tried <= 6


def test_the_next_team_begins_where_the_last_one_ended():
    busy = Machine(beside_others)
    busy.run(Team(2, busy.clock), 1)
    assert Team(2, busy.clock).next_slice()[0] == 1
    assert Team(1, busy.clock).next_slice()[0] == 1
    busy.speed, before = amdahl(0.1), busy.time
    team = Team(2, busy.clock)
    busy.run(team, teams.LONGEST_PAUSE + 0.1)  # in which it finds out that the machine is quiet
    assert team.next_slice()[0] == 2
    busy.time = before + 2 * teams.REMEMBERED
    assert Team(2, busy.clock).next_slice()[0] == 2


def test_fewer_threads_where_no_more_can_be_started(monkeypatch):
    monkeypatch.setattr(teams, "startable_team", lambda n, stack_size: min(n, 3))
    machine = Machine(amdahl(0.0))
    machine.run(Team(16, machine.clock), 2)
    assert max(machine.tried) == 3


@pytest.mark.parametrize("most", [1, 2, 3, 7, 16, 100])
def test_sizes_to_choose_among(most):
    sizes = sizes_up_to(most)
    assert sizes[0] == 1 and sizes[-1] == most
    assert all(a < b <= 2 * a for a, b in itertools.pairwise(sizes))
