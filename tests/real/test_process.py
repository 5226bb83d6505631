"""The daemon as a process: how it ends, and how it refuses to begin."""

import pathlib
import threading

import pytest

from daemon import run


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
    second = run('serve', '--config', rollcall.config)
    assert second.returncode != 0 and second.stderr.strip()
    assert rollcall.get('/').status_code == 200


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
    done = run('serve', '--config', config)
    assert done.returncode not in (0, None)
    [line] = [line for line in done.stderr.strip().splitlines() if ' WARN ' not in line]
    assert named in line, done.stderr


def test_a_configuration_that_is_not_there_stops_the_start(tmp_path):
    done = run('serve', '--config', tmp_path / 'nowhere.toml')
    assert done.returncode not in (0, None) and 'nowhere.toml' in done.stderr


def test_a_new_database_is_made_by_the_first_start(rollcall, database):
    assert rollcall.get('/v1/introspection').json() == {'introspection': []}
    assert database.rows('SELECT count(*) FROM nodes') == [(0,)]


def test_the_database_can_be_made_beforehand(tmp_path):
    config = tmp_path / 'rollcall.toml'
    config.write_text(GOOD.format(folder=tmp_path))
    for command in ('upgrade', 'upgrade', 'version'):
        done = run('db', command, '--config', config)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / 'x.sqlite').exists() and done.stdout.strip()


def test_the_sample_configuration_is_a_right_one(tmp_path):
    sample = run('config', 'sample')
    assert sample.returncode == 0
    config = tmp_path / 'rollcall.toml'
    config.write_text(sample.stdout)
    checked = run('config', 'check', '--config', config)
    assert checked.returncode == 0, checked.stderr


def listening_on(port):
    """The addresses on which this machine listens at a port, as the kernel writes them."""
    rows = [row.split() for table in ('tcp', 'tcp6') for row in
            pathlib.Path('/proc/net', table).read_text().splitlines()[1:]]
    local = [row[1].split(':') for row in rows if row[3] == '0A']
    return [address for address, where in local if int(where, 16) == port]


def test_it_listens_only_where_it_was_told(rollcall):
    assert listening_on(rollcall.port) == ['0100007F']
