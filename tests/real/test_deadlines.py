"""Deadlines: kept to the second while the daemon runs, and made up for when it did not."""

import time

import pytest

from daemon import wait_for

pytestmark = pytest.mark.alone

TIMEOUT = 2
LATE = 1.0


def deadline_of(database, machine):
    """The stored deadline, in seconds since the epoch."""
    [(micros,)] = database.rows(f"SELECT deadline_at FROM nodes WHERE uuid = '{machine.uuid}'")
    return micros / 1e6


def ended_at(database, machine):
    [(micros,)] = database.rows(f"SELECT finished_at FROM nodes WHERE uuid = '{machine.uuid}'")
    return micros / 1e6


@pytest.mark.configured(timeout=TIMEOUT)
def test_a_waiting_machine_times_out_within_a_second_of_its_deadline(machine, database):
    begun = time.time()
    machine.until_waiting()
    deadline = deadline_of(database, machine)
    assert begun + TIMEOUT <= deadline <= time.time() + TIMEOUT
    status = machine.wait('error', seconds=TIMEOUT + 5)
    seen = time.time()
    assert status['error'] == 'Introspection timeout' and status['finished'] is True
    assert deadline <= ended_at(database, machine) <= deadline + LATE
    assert seen <= deadline + LATE + 0.5


@pytest.mark.configured(timeout=TIMEOUT)
def test_a_callback_after_the_timeout_is_refused(machine):
    machine.until_waiting()
    before = machine.wait('error', seconds=TIMEOUT + 5)
    assert machine.callback().status_code == 400
    assert machine.status() == before and not machine.is_updated()


@pytest.mark.configured(timeout=TIMEOUT)
def test_each_start_has_a_deadline_of_its_own(machine, database):
    machine.until_waiting()
    first = deadline_of(database, machine)
    time.sleep(TIMEOUT / 2)
    machine.until_waiting()
    second = deadline_of(database, machine)
    assert second >= first + TIMEOUT / 2
    time.sleep(max(0, first + 0.5 - time.time()))
    assert machine.state() == 'waiting'
    machine.wait('error', seconds=TIMEOUT + 5)
    assert ended_at(database, machine) >= second


@pytest.mark.configured(timeout=TIMEOUT)
@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_a_deadline_that_was_slept_through_is_made_up_for(rollcall, machine, database, end):
    machine.until_waiting()
    deadline = deadline_of(database, machine)
    getattr(rollcall, end)()
    time.sleep(max(0, deadline + 0.5 - time.time()))
    rollcall.start()
    ready = time.time()
    assert machine.wait('error', seconds=10)['error'] == 'Introspection timeout'
    assert ended_at(database, machine) <= ready + LATE


@pytest.mark.configured(timeout=TIMEOUT + 1)
def test_a_deadline_survives_a_restart(rollcall, machine, database):
    machine.until_waiting()
    deadline = deadline_of(database, machine)
    assert rollcall.stop() == 0
    rollcall.start()
    machine.wait('error', seconds=10)
    assert deadline <= ended_at(database, machine) <= deadline + LATE


@pytest.mark.configured(timeout=0)
def test_without_a_timeout_a_machine_waits_on(machine, database):
    machine.until_waiting()
    time.sleep(TIMEOUT)
    assert machine.state() == 'waiting'
    machine.callback()
    machine.wait('finished')


@pytest.mark.configured(timeout=5)
def test_many_deadlines_at_once_are_kept(machines, database):
    fleet = [machines() for _ in range(100)]
    for machine in fleet:
        assert machine.begin().status_code == 202
    count = "SELECT count(*) FROM nodes WHERE state = '{}'"
    wait_for(lambda: database.rows(count.format('waiting')) == [(len(fleet),)], 'all to wait')
    deadlines = dict(database.rows('SELECT uuid, deadline_at FROM nodes'))
    wait_for(lambda: database.rows(count.format('error')) == [(len(fleet),)], 'all to time out', 30)
    for uuid, finished_at in database.rows('SELECT uuid, finished_at FROM nodes'):
        assert 0 <= (finished_at - deadlines[uuid]) / 1e6 <= LATE
