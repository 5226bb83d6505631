"""The database that several instances share is away for a while, moves, or wants to be spoken to in private."""

import concurrent.futures
import os
import shutil
import time
import urllib.parse

import pytest
import requests

import daemon
from certificates import Authority
from daemon import wait_for
from machines import Machine
from real_postgres import RealPostgres

pytestmark = pytest.mark.alone
AWAY = 20
TLS = os.environ.get('ROLLCALL_TEST_POSTGRES_TLS')


class Served:
    """A server as a database of a daemon."""

    def __init__(self, server, url=None):
        self.server, self.url = server, url or server.url

    def rows(self, statement):
        return self.server.rows(statement)


@pytest.fixture
def server(tmp_path):
    made = RealPostgres(tmp_path)
    if not made.is_installed():
        pytest.skip('no PostgreSQL server is installed')
    try:
        yield made.make()
    finally:
        made.close()


@pytest.fixture
def instances(tmp_path, ironic):
    made = []

    def make(database, count, **options):
        for number in range(count):
            home = tmp_path / f'instance{number}'
            home.mkdir()
            made.append(daemon.Rollcall(home, database, ironic.url, {'healthcheck': {'enabled': True}, **options}))
        return [one.start() for one in made]
    yield make
    for one in made:
        one.close()


def attempt(method, url, **more):
    try:
        return requests.request(method, url, timeout=40, **more).status_code
    except requests.RequestException:
        return None


def through(all_instances, machine, number, answers):
    """One machine, whose ramdisk and operator try again on whatever may pass."""
    def insist(method, path, good, **more):
        for turn in range(200):
            status = attempt(method, all_instances[(number + turn) % len(all_instances)].url + path, **more)
            answers.append(status)
            if status in good:
                return status
            assert status in (None, 409, 503), status
            time.sleep(0.3)
        raise AssertionError(f'{method} {path} is never taken')
    accepted = insist('POST', machine.path(), (202,))
    wait_for(lambda: state(all_instances, machine) in ('waiting', 'error'), 'the reboot', 120)
    assert state(all_instances, machine) == 'waiting', 'an accepted start was lost'
    insist('POST', '/v1/continue', (200, 400), json=machine.document)
    wait_for(lambda: state(all_instances, machine) in ('finished', 'error'), 'the end', 120)
    return accepted, state(all_instances, machine)


def state(all_instances, machine):
    for instance in all_instances:
        try:
            answer = requests.get(instance.url + machine.path(), timeout=40)
        except requests.RequestException:
            continue
        if answer.status_code == 200:
            return answer.json()['state']
    return None


def test_a_database_that_is_away_costs_time_and_nothing_else(server, instances, ironic, capsys):
    server.start()
    everybody = instances(Served(server), 3)
    processes = [one.process.pid for one in everybody]
    machines = [Machine(ironic, None) for _ in range(120)]
    answers = []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        shares = [pool.submit(through, everybody, machine, number, answers) for number, machine in enumerate(machines)]
        wait_for(lambda: len(answers) > 40, 'some load', 60)
        server.stop('immediate')
        time.sleep(AWAY)
        server.start()
        back = time.monotonic()
        ends = [share.result(200) for share in shares]
    took = time.monotonic() - back
    with capsys.disabled():
        print(f'\nfigure: PostgreSQL was away for {AWAY} s under load: {answers.count(503)} answers 503, '
              f'{len(machines)} of {len(machines)} machines ended, the last {took:.1f} s after it was back')
    assert 503 in answers
    assert [end for _, end in ends] == ['finished'] * len(machines)
    assert [one.process.pid for one in everybody] == processes and all(one.process.poll() is None for one in everybody)
    assert server.rows('SELECT count(*) FROM runs WHERE outcome IS NULL') == [(0,)]


def test_a_server_that_moved_is_found_again_without_a_restart(server, instances, ironic):
    server.start()
    first, second = server.port, daemon.free_port()
    url = f'postgresql://rollcall@127.0.0.1:{first},127.0.0.1:{second}/postgres?target_session_attrs=read-write'
    [only] = instances(Served(server, url), 1)
    machine = Machine(ironic, only)
    machine.until_waiting()
    server.stop('immediate')
    wait_for(lambda: only.get('/healthcheck').status_code == 503, 'the trouble')
    server.port = second
    server.start()
    wait_for(lambda: only.get('/healthcheck').status_code == 200, 'the server at its new place', 30)
    assert machine.callback().status_code == 200
    assert machine.wait('finished', 'error')['state'] == 'finished'


@pytest.fixture
def private_server(server, tmp_path):
    """One that can be spoken to in private, and the authority that says so."""
    authority = Authority(tmp_path / 'ca.pem')
    data = server.folder / 'data'
    authority.sign(data / 'server.crt', data / 'server.key')
    for name in ('server.crt', 'server.key'):
        if os.geteuid() == 0:
            shutil.chown(data / name, 'postgres')
        (data / name).chmod(0o600)
    return server.start('ssl=on'), authority


def refused(server, tmp_path, **query):
    """What a daemon says that does not start because of these parameters of the URL."""
    config = tmp_path / 'refused.toml'
    url = f'{server.url}?{urllib.parse.urlencode(query)}'
    config.write_text(f'listen_port = {daemon.free_port()}\n[database]\nconnection = "{url}"\n')
    done = daemon.run('serve', '--config', config)
    assert done.returncode != 0
    assert server.rows("SELECT to_regclass('nodes')") == [(None,)]
    return done.stderr.lower()


def test_a_connection_that_is_to_be_private_is_never_made_in_clear(server, tmp_path):
    server.start()
    assert 'ssl' in refused(server, tmp_path, sslmode='require')


@pytest.mark.skipif(not TLS, reason='built without the feature postgres-tls')
def test_connections_are_private_and_the_server_is_the_right_one(private_server, tmp_path, instances, ironic):
    server, authority = private_server
    stranger = Authority(tmp_path / 'other.pem', 'somebody else')
    assert 'certificate' in refused(server, tmp_path, sslmode='verify-full', sslrootcert=stranger.path)
    url = f'{server.url}?sslmode=verify-full&sslrootcert={authority.path}'
    [only] = instances(Served(server, url), 1)
    machine = Machine(ironic, only)
    machine.until_waiting()
    assert machine.callback().status_code == 200
    ours = server.rows('SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) '
                       "WHERE a.client_addr IS NOT NULL AND a.pid <> pg_backend_pid()")
    assert ours and all(private for private, in ours)
