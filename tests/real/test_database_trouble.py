"""The database is locked, full, or away for a while: callers are told to come again, nothing accepted is lost, nothing
is half done, and the daemon goes on without a restart.
"""

import concurrent.futures
import contextlib
import os
import resource
import sqlite3
import time

import pytest

import databases
from daemon import wait_for
from test_terminal import Reader

FLEET = 12
AWAY = 1

pytestmark = [pytest.mark.alone, pytest.mark.configured(callback_deadline=4, healthcheck={'enabled': True})]


@contextlib.contextmanager
def locked(database, _):
    """Somebody else writes, and does not end."""
    with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute('BEGIN IMMEDIATE')
        yield
        other.execute('ROLLBACK')


@contextlib.contextmanager
def full(database, rollcall):
    """No file of the daemon may grow."""
    sizes = [os.path.getsize(name) for name in database.path.parent.glob('rollcall.sqlite*')]
    pid, limit = rollcall.process.pid, resource.RLIMIT_FSIZE
    before = resource.prlimit(pid, limit, (min(sizes), resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, limit, before)


@contextlib.contextmanager
def away(database, _):
    """The server ends all connections and takes no new ones, as when it is restarted."""
    name = database.name
    databases.administer(f'ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false')
    databases.administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    try:
        yield
    finally:
        databases.administer(f'ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true')


TROUBLES = {'sqlite': [locked, full], 'postgresql': [away]}


def posts_until_taken(machine, until):
    """The ramdisk's agent, only less patient; answers the statuses that it saw."""
    seen = []
    while time.monotonic() < until:
        answer = machine.callback()
        seen.append(answer.status_code)
        if answer.status_code < 500:
            break
        time.sleep(0.3)
    return seen


def ready(rollcall):
    return rollcall.get('/healthcheck').status_code == 200


@pytest.mark.parametrize('database, trouble', [(name, trouble) for name, all_of in TROUBLES.items() for trouble in all_of],
                         indirect=['database'])
def test_callers_come_again_and_nothing_is_lost(rollcall, machines, database, trouble):
    fleet = [machines() for _ in range(FLEET)]
    for machine in fleet:
        machine.until_waiting()
    process, versions = rollcall.process.pid, {machine: machine.status() for machine in fleet}
    with concurrent.futures.ThreadPoolExecutor(FLEET) as pool:
        with trouble(database, rollcall):
            posts = [pool.submit(posts_until_taken, machine, time.monotonic() + 90) for machine in fleet]
            wait_for(lambda: not ready(rollcall), 'readiness to report the trouble', 30)
            time.sleep(AWAY)
            assert not any(post.done() for post in posts), 'something was taken that could not be written'
        seen = [post.result() for post in posts]
    assert {status for statuses in seen for status in statuses} <= {200, 503}, seen
    assert all(statuses[-1] == 200 for statuses in seen) and any(503 in statuses for statuses in seen), seen
    for machine in fleet:
        status = machine.wait('finished', 'error', seconds=30)
        assert status['error'] is None and machine.is_updated(), status
        assert status['started_at'] == versions[machine]['started_at'], 'the run is the one that was begun'
    assert rollcall.process.poll() is None and rollcall.process.pid == process
    wait_for(lambda: ready(rollcall), 'readiness to come back', 30)
    with Reader(database) as reader:
        fleet[0].introspect()
    assert reader.failure is None and reader.found == set()


@pytest.mark.parametrize('database, trouble', [(name, trouble) for name, all_of in TROUBLES.items() for trouble in all_of],
                         indirect=['database'])
def test_operators_are_told_to_come_again(rollcall, machines, database, trouble):
    waiting, new = machines(), machines()
    waiting.until_waiting()
    with trouble(database, rollcall):
        assert new.begin().status_code == 503
        assert waiting.abort().status_code == 503
    wait_for(lambda: ready(rollcall), 'readiness to come back', 30)
    assert waiting.state() == 'waiting' and new.rollcall.get(new.path()).status_code == 404
    waiting.abort()
    waiting.wait('error')
    new.introspect()
