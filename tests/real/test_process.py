"""The daemon as a process: how it ends, and how it refuses to begin."""

import socket
import subprocess
import threading

import pytest

from daemon import BINARY


def test_a_request_to_end_is_obeyed_with_success(rollcall, machine):
    machine.until_waiting()
    assert rollcall.stop(seconds=15) == 0


def test_a_request_under_way_is_answered_before_the_end(rollcall, machine, ironic):
    machine.until_waiting()
    answers = []
    with ironic.hold('PATCH', '.*') as held:
        posting = threading.Thread(target=lambda: answers.append(machine.callback()), daemon=True)
        posting.start()
        held.wait()
        rollcall.terminate()
        posting.join(0.5)
        assert posting.is_alive() and rollcall.process.poll() is None
        held.let_go()
        posting.join(20)
    assert [answer.status_code for answer in answers] == [200]
    assert rollcall.ended() == 0
    rollcall.start()
    assert machine.wait('finished', 'error')['state'] == 'finished'


def test_two_daemons_can_not_share_a_port(rollcall):
    second = serve(rollcall.config)
    assert second.returncode != 0 and second.stderr.strip()
    assert rollcall.get('/').status_code == 200


def serve(config):
    return subprocess.run([BINARY, 'serve', '--config', str(config)], capture_output=True, text=True, timeout=30,
                          cwd=config.parent)


GOOD = '[database]\nconnection = "sqlite:///{folder}/x.sqlite"\n'


@pytest.mark.parametrize('text, named', [
    ('listen_port = "five"\n', 'listen_port'),
    ('listen_port = 70000\n', 'listen_port'),
    ('timeout = "soon"\n', 'timeout'),
    ('auth_strategy = "trust"\n', 'auth_strategy'),
    ('[processing]\nadd_ports = "some"\n', 'add_ports'),
    ('[processing]\nstore_data = "paper"\n', 'store_data'),
    ('[processing]\nprocessing_hooks = "ramdisk_error,magic"\n', 'magic'),
    ('[database]\nconnection = "oracle://nowhere"\n', 'connection'),
    ('[database\n', 'rollcall.toml'),
])
def test_a_wrong_configuration_stops_the_start_with_one_line_that_names_it(tmp_path, text, named):
    config = tmp_path / 'rollcall.toml'
    good = '' if '[database' in text else GOOD.format(folder=tmp_path)
    config.write_text(f'{text}{good}')
    done = serve(config)
    assert done.returncode not in (0, None)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and named in lines[0], done.stderr


def test_a_configuration_that_is_not_there_stops_the_start(tmp_path):
    done = serve(tmp_path / 'nowhere.toml')
    assert done.returncode not in (0, None) and 'nowhere.toml' in done.stderr


def test_a_new_database_is_made_by_the_first_start(rollcall, database):
    assert rollcall.get('/v1/introspection').json() == {'introspection': []}
    assert database.rows('SELECT count(*) FROM nodes') == [(0,)]


def test_the_database_can_be_made_beforehand(tmp_path):
    config = tmp_path / 'rollcall.toml'
    config.write_text(GOOD.format(folder=tmp_path))
    for command in ('upgrade', 'upgrade', 'version'):
        done = subprocess.run([BINARY, 'db', command, '--config', str(config)], capture_output=True, text=True,
                              timeout=30)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / 'x.sqlite').exists() and done.stdout.strip()


def test_the_sample_configuration_is_a_right_one(tmp_path):
    sample = subprocess.run([BINARY, 'config', 'sample'], capture_output=True, text=True, timeout=30)
    assert sample.returncode == 0
    config = tmp_path / 'rollcall.toml'
    config.write_text(sample.stdout)
    checked = subprocess.run([BINARY, 'config', 'check', '--config', str(config)], capture_output=True, text=True,
                             timeout=30)
    assert checked.returncode == 0, checked.stderr


def test_it_listens_only_where_it_was_told(rollcall):
    """A port is bound on the loopback address; others of this machine refuse."""
    own = next((found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
                if not found[4][0].startswith('127.')), None)
    if own is None:
        pytest.skip('this machine has only the loopback address')
    with socket.socket() as probe:
        assert probe.connect_ex((own, rollcall.port)) != 0
