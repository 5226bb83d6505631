"""A terminal transition is one transaction: no reader of the database ever sees a part of it."""

import concurrent.futures
import itertools
import threading

import pytest

NODES = 1000
WORKERS = 8

# One statement is one snapshot, on both databases.
SNAPSHOT = """
SELECT n.uuid, n.state, n.finished_at, n.error,
       (SELECT count(*) FROM attributes a WHERE a.node_uuid = n.uuid) +
       (SELECT count(*) FROM options o WHERE o.node_uuid = n.uuid),
       (SELECT count(*) FROM introspection_data d WHERE d.node_uuid = n.uuid),
       r.finished_at, r.outcome, r.error
FROM nodes n LEFT JOIN runs r ON r.id = n.run_id
"""


def faults(row):
    """What contradicts itself in the record of a node."""
    _, state, finished_at, error, look_up, documents, run_end, outcome, run_error = row
    ended = state in ('finished', 'error')
    if ended != (finished_at is not None):
        yield 'the finished time does not fit the state'
    if (state == 'error') != (error is not None):
        yield 'the error text does not fit the state'
    if ended and look_up:
        yield 'look-up attributes or options are left'
    if state == 'waiting' and not look_up:
        yield 'a waiting node can not be found'
    if state == 'finished' and documents != 2:
        yield f'{documents} documents of a finished node'
    if (run_end, run_error) != (finished_at, error):
        yield 'the run has another end'
    if ended and outcome != state:
        yield f'the run has outcome {outcome}'


class Reader(threading.Thread):
    """Reads the database again and again, and collects the contradictions."""

    def __init__(self, database):
        super().__init__(daemon=True)
        self.database, self.enough = database, threading.Event()
        self.found, self.snapshots, self.failure = set(), 0, None

    def run(self):
        try:
            while not self.enough.is_set():
                self.look()
        except Exception as failure:
            self.failure = failure

    def look(self):
        for row in self.database.rows(SNAPSHOT):
            self.found.update((row[0], row[1], fault) for fault in faults(row))
        self.snapshots += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.enough.set()
        self.join(60)


def end(machine, how):
    """Brings a waiting machine to one of the ends there are."""
    if how == 'finish':
        assert machine.callback().status_code == 200
    elif how == 'abort':
        assert machine.abort().status_code == 202
    else:
        assert machine.callback(error='broken').status_code == 400


def test_no_reader_ever_sees_half_an_end(machines, rollcall, database):
    fleet = [machines() for _ in range(NODES)]
    ways = list(itertools.islice(itertools.cycle(['finish', 'finish', 'finish', 'abort', 'fail']), NODES))
    with Reader(database) as reader, concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda machine: machine.until_waiting(), fleet))
        list(pool.map(end, fleet, ways))
        states = list(pool.map(lambda machine: machine.wait('finished', 'error', seconds=60)['state'], fleet))
    assert reader.failure is None
    assert reader.found == set()
    assert reader.snapshots > 20, 'too few looks to prove anything'
    assert states == ['finished' if way == 'finish' else 'error' for way in ways]


@pytest.mark.configured(timeout=3)
def test_no_reader_ever_sees_half_a_timeout(machines, database):
    fleet = [machines() for _ in range(200)]
    with Reader(database) as reader, concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda machine: machine.begin(), fleet))
        ends = list(pool.map(lambda machine: machine.wait('error', seconds=60)['error'], fleet))
    assert reader.failure is None and reader.found == set()
    assert set(ends) == {'Introspection timeout'}
