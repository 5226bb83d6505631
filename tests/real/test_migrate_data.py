"""`rollcall migrate-data` between the database, a real Swift and a folder."""

import hashlib
import json
import re
import signal
import sqlite3
import subprocess
import time
import uuid

import pytest

import daemon
import databases
from real_swift import name

NODES = 300
SUMMARY = re.compile(r'documents: (\d+) copied \((\d+) bytes\), (\d+) already there, (\d+) absent, (\d+) kept, '
                     r'(\d+) busy, (\d+) failed')
COUNTS = ('copied', 'bytes', 'held', 'absent', 'kept', 'busy', 'failed')


class Fleet:
    """A database with the records of many nodes, each with both documents; no daemon runs."""

    def __init__(self, folder, options, nodes=NODES):
        self.folder, self.path = folder, folder / 'rollcall.sqlite'
        self.config = folder / 'rollcall.toml'
        self.config.write_text(daemon.toml(daemon.merged(options, {'database': {'connection': f'sqlite:///{self.path}'}})))
        self.documents = {}
        assert daemon.run('db', 'upgrade', '--config', self.config).returncode == 0
        with self.connection() as database:
            for number in range(nodes):
                self.add(database, str(uuid.UUID(int=number + 1)), number)

    def connection(self):
        return sqlite3.connect(self.path, timeout=30)

    def add(self, database, node, number):
        run = str(uuid.UUID(int=number + 1000001))
        database.execute(
            'INSERT INTO nodes (uuid, version, state, state_since, started_at, finished_at, manage_boot, run_id, '
            "last_event, posted_answered) VALUES (?, 1, 'finished', 5, ?, 5, 0, ?, 'finish', 1)", (node, number % 4, run))
        database.execute("INSERT INTO runs (id, node_uuid, kind, started_at, finished_at, outcome) "
                         "VALUES (?, ?, 'start', ?, 5, 'finished')", (run, node, number % 4))
        for raw in (False, True):
            # Spacing that no writer of JSON would make: bytes have to stay as they are.
            text = json.dumps({'number': number, 'raw': raw, 'name': 'ü' * (number % 50), 'pad': str(uuid.uuid4()) * 100},
                              indent=number % 3, ensure_ascii=False).encode()
            self.documents[name(node, raw)] = text
            digest = hashlib.sha256(text).hexdigest()
            [(document,)] = database.execute(
                'INSERT INTO documents (digest, used_at, codec, size_bytes, body) VALUES (?, 5, 0, ?, ?) RETURNING id',
                (digest, len(text), text)).fetchall()
            database.execute('INSERT INTO introspection_data (node_uuid, processed, stored_at, place, digest, document_id) '
                             "VALUES (?, ?, 5, 'here', ?, ?)", (node, not raw, digest, document))

    def forget(self):
        """The documents are not in the database any more."""
        with self.connection() as database:
            database.execute('DELETE FROM introspection_data')
            database.execute('DELETE FROM documents')

    def held(self):
        with self.connection() as database:
            return database.execute('SELECT count(*) FROM introspection_data').fetchall()[0][0]

    def migrate(self, source, target, *more, seconds=300):
        done = daemon.run('migrate-data', '--config', self.config, '--from', source, '--to', target, *more, seconds=seconds)
        found = SUMMARY.search(done.stdout)
        return done, dict(zip(COUNTS, map(int, found.groups()))) if found else done.stderr

    def killed(self, source, target, progress):
        """The same, killed as soon as `progress()`."""
        with (self.folder / 'killed.log').open('ab') as log:
            process = subprocess.Popen(
                [daemon.BINARY, 'migrate-data', '--config', str(self.config), '--from', source, '--to', target],
                env=daemon.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        while not progress():
            assert process.poll() is None, (self.folder / 'killed.log').read_text()
            time.sleep(0.02)
        process.kill()
        assert process.wait() == -signal.SIGKILL


@pytest.fixture
def container():
    return f'm-{uuid.uuid4().hex[:8]}'


@pytest.fixture
def fleet(tmp_path, real_swift, container):
    return Fleet(tmp_path, real_swift.options(container))


def objects(swift, container):
    answer = swift.ask('HEAD', container)
    return int(answer.headers.get('X-Container-Object-Count', 0)) if answer.status_code < 300 else 0


def test_everything_goes_to_swift_and_comes_back_though_it_is_killed_on_the_way(fleet, real_swift, container):
    everything = 2 * NODES
    fleet.killed('database', 'swift', lambda: objects(real_swift, container) > everything // 4)
    fleet.killed('database', 'swift', lambda: objects(real_swift, container) > everything // 2)
    assert objects(real_swift, container) < everything
    done, told = fleet.migrate('database', 'swift')
    assert done.returncode == 0 and told['failed'] == 0, done
    assert told['copied'] + told['held'] == everything and told['held'] > everything // 2
    assert told['copied'] > 0, 'it was killed too late to show anything'
    for number in (1, 2, 3, NODES):
        key = name(uuid.UUID(int=number))
        assert real_swift.ask('GET', container, key).content == fleet.documents[key]

    fleet.forget()
    fleet.killed('swift', 'database', lambda: fleet.held() > everything // 4)
    fleet.killed('swift', 'database', lambda: fleet.held() > everything // 2)
    assert fleet.held() < everything
    done, told = fleet.migrate('swift', 'database')
    assert done.returncode == 0 and (told['failed'], told['copied'] + told['held']) == (0, everything), done
    assert fleet.held() == everything
    # Out of the database again: each is what it was, byte by byte.
    folder = fleet.folder / 'copy'
    assert fleet.migrate('database', f'folder:{folder}')[0].returncode == 0
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == fleet.documents


def test_a_dry_run_writes_nothing(fleet, real_swift, container):
    done, told = fleet.migrate('database', 'swift', '--dry-run')
    assert done.returncode == 0 and told['copied'] == 2 * NODES and 'nothing was written' in done.stdout
    assert objects(real_swift, container) == 0


def test_what_can_not_be_read_or_written_shows_in_the_exit_code(tmp_path, real_swift, container):
    fleet = Fleet(tmp_path, daemon.merged(real_swift.options(container), {
        'swift': {'auth_url': f'http://127.0.0.1:{daemon.free_port()}/auth/v1.0'}}), nodes=2)
    for source, target, failed in (('database', 'swift', 4), ('swift', 'folder:' + str(tmp_path / 'x'), 0)):
        done, told = fleet.migrate(source, target)
        if failed:
            assert done.returncode == 3 and told['failed'] == failed, done
            assert done.stdout.count('Could not connect to the object storage service') == failed
    fleet.forget()
    done, told = fleet.migrate('swift', 'database')
    assert done.returncode == 3 and (told['failed'], told['absent']) == (4, 0), done
    done, told = fleet.migrate('database', 'swift')
    assert done.returncode == 0 and (told['failed'], told['absent']) == (0, 4), done


def test_what_makes_no_sense_is_refused(tmp_path):
    fleet = Fleet(tmp_path, {}, nodes=0)
    done, why = fleet.migrate('database', 'database')
    assert done.returncode == 1 and 'Source and destination can not be the same' in why
    done, why = fleet.migrate('database', 'swift')
    assert done.returncode == 1 and 'swift.' in why


def test_a_daemon_goes_on_while_its_data_is_moved(tmp_path, ironic, real_swift, container):
    """It changes over to Swift, and what it stored before is read as before."""
    options = real_swift.options(container)
    made = daemon.Rollcall(tmp_path, databases.Sqlite(tmp_path), ironic.url,
                           daemon.merged(options, {'processing': {'store_data': 'database'}}))
    from machines import Machine
    try:
        made.start()
        fleet = [Machine(ironic, made) for _ in range(5)]
        for machine in fleet[:4]:
            machine.introspect()
        fleet[4].until_waiting()
        done = daemon.run('migrate-data', '--config', made.config, '--from', 'database', '--to', 'swift')
        assert done.returncode == 0 and '8 copied' in done.stdout and '2 absent' in done.stdout, done
        for machine in fleet[:4]:
            stored = real_swift.ask('GET', container, name(machine.uuid, raw=True))
            assert stored.content == machine.raw().content
        made.stop()
        made.config.write_text(made.config.read_text().replace('store_data = "database"', 'store_data = "swift"'))
        made.start()
        assert fleet[4].callback().status_code == 200
        fleet[4].wait('finished')
        for machine in fleet:
            assert machine.raw().json() == machine.document and machine.data().json()['cpus'] == 8
            assert machine.process_again()['error'] is None
        made.stop()
        # And back: what Swift alone has is brought home.
        done = daemon.run('migrate-data', '--config', made.config, '--from', 'swift', '--to', 'database')
        assert done.returncode == 0 and '10 copied' in done.stdout, done
        made.config.write_text(made.config.read_text().replace('store_data = "swift"', 'store_data = "database"'))
        made.start()
        for machine in fleet:
            assert machine.raw().json() == machine.document and machine.data().json()['cpus'] == 8
    finally:
        made.close()
