"""From an ironic-inspector to Rollcall: its configuration, its records, and what clients see of them afterwards."""

import datetime
import json
import subprocess
import uuid

import pytest

import ancestor
import daemon
from machines import Machine

INCOMPLETE = 3
STARTED = datetime.datetime(2026, 1, 2, 3, 4, 5, 6)
ENDED = datetime.datetime(2026, 1, 2, 3, 5)
RAW = '{"b": [1, 2.50], "inventory": {"text": "Gr\\u00fc\\u00dfe"}}'
PROCESSED = '{"a": null, "b": [1, 2.50]}'
CONDITIONS = [{'op': 'eq', 'field': 'data://memory_mb', 'value': 1024, 'multiple': 'any', 'invert': False},
              {'op': 'is-empty', 'field': 'node://extra', 'multiple': 'all', 'invert': True}]
ACTIONS = [{'action': 'set-attribute', 'path': '/extra/a', 'value': '{data[a]}'}, {'action': 'fail', 'message': 'm'}]


@pytest.fixture
def old(request, tmp_path, database):
    """The ancestor's database, of the kind that ours has."""
    made = ancestor.Sqlite(tmp_path) if database.url.startswith('sqlite') else ancestor.Postgres()
    yield made
    made.close()


@pytest.fixture
def new(tmp_path, database, ironic):
    """A daemon that was never started."""
    made = daemon.Rollcall(tmp_path, database, ironic.url, {'timeout': 10 ** 8})
    yield made
    made.close()


def import_into(new, old, *words):
    return daemon.run('db', 'import', old.url, '--config', new.config, *words)


def add_node(old, state='finished', ended=ENDED, error=None, node=None, **documents):
    node = node or str(uuid.uuid4())
    old.insert('nodes', uuid=node, state=state, started_at=as_stored(old, STARTED), error=error, manage_boot=True,
               finished_at=ended and as_stored(old, ended))
    for name, text in documents.items():
        old.insert('introspection_data', uuid=node, processed=name == 'processed', data=text)
    return node


def as_stored(old, time):
    """SQLAlchemy's text on SQLite, a timestamp on PostgreSQL."""
    return time.strftime('%Y-%m-%d %H:%M:%S.%f') if isinstance(old, ancestor.Sqlite) else time


def add_rule(old, rule, number, description, scope):
    old.insert('rules', uuid=rule, created_at=as_stored(old, STARTED + datetime.timedelta(seconds=number)),
               description=description, scope=scope, disabled=False)
    for place, condition in enumerate(CONDITIONS):
        members = dict(condition)
        row = {name: members.pop(name) for name in ('op', 'field', 'multiple', 'invert')}
        old.insert('rule_conditions', id=number * 10 + place, rule=rule, params=json.dumps(members), **row)
    for place, action in enumerate(ACTIONS):
        members = dict(action)
        name = members.pop('action')
        old.insert('rule_actions', id=number * 10 + place, rule=rule, action=name, params=json.dumps(members))


def test_clients_see_after_the_import_what_they_saw_before(old, new):
    good = add_node(old, processed=PROCESSED, unprocessed=RAW)
    bad = add_node(old, state='error', error='Failed: Gr\u00fc\u00dfe')
    rules = [str(uuid.uuid4()).upper(), uuid.uuid4().hex]
    add_rule(old, rules[0], 2, 'second', 'a scope')
    add_rule(old, rules[1], 1, None, None)
    done = import_into(new, old)
    assert (done.returncode, done.stderr) == (0, ''), done.stdout
    assert 'nodes: 2 read, 2 new, 0 updated, 0 unchanged, 0 kept, 0 left' in done.stdout

    new.start()
    times = {'started_at': '2026-01-02T03:04:05.000006', 'finished_at': '2026-01-02T03:05:00', 'finished': True}
    for node, state, error in ((good, 'finished', None), (bad, 'error', 'Failed: Gr\u00fc\u00dfe')):
        links = [{'href': f'{new.url}/v1/introspection/{node}', 'rel': 'self'}]
        wanted = {'uuid': node, 'state': state, 'error': error, 'links': links, **times}
        assert wanted.items() <= new.status(node).items()
    assert new.get(f'/v1/introspection/{good}/data').text == PROCESSED
    assert new.get(f'/v1/introspection/{good}/data/unprocessed').text == RAW
    assert new.get(f'/v1/introspection/{bad}/data').status_code == 404
    listed = new.get('/v1/introspection').json()['introspection']
    assert [status['uuid'] for status in listed] == sorted([good, bad], reverse=True)

    shown = new.get('/v1/rules').json()['rules']
    assert [(rule['uuid'], rule['description'], rule['scope']) for rule in shown] == [
        (rules[1], None, None), (rules[0], 'second', 'a scope')]
    full = new.get(f'/v1/rules/{rules[0]}').json()
    assert full['conditions'] == CONDITIONS and full['actions'] == ACTIONS
    [event] = new.get(f'/v1/introspection/{good}/events').json()['events']
    assert (event['event'], event['to'], event['by']) == ('imported', 'finished', 'rollcall db import')


def test_a_machine_that_waits_when_it_is_taken_over_may_post_here(old, new, ironic):
    machine = Machine(ironic, new)
    add_node(old, state='waiting', ended=None, node=machine.uuid)
    for name, value in (('mac', machine.mac.upper()), ('bmc_address', '10.255.255.1')):
        old.insert('attributes', uuid=str(uuid.uuid4()), node_uuid=machine.uuid, name=name, value=value)
    assert import_into(new, old).returncode == 0
    new.start()
    assert new.status(machine.uuid)['state'] == 'waiting'
    assert machine.callback().status_code == 200
    machine.wait('finished')
    again = import_into(new, old)
    assert again.returncode == 0 and '0 unchanged, 1 kept' in again.stdout
    assert new.status(machine.uuid)['state'] == 'finished'


def test_an_import_beside_a_running_daemon_is_seen_at_once_and_can_be_repeated(old, new):
    new.start()
    done = add_node(old, processed=PROCESSED)
    worked_on = add_node(old, state='processing', ended=None)
    add_rule(old, str(uuid.uuid4()), 1, None, None)
    assert import_into(new, old).returncode == 0
    assert new.status(done)['state'] == 'finished'
    status = new.status(worked_on)
    assert status['state'] == 'error' and 'interrupted by the migration' in status['error']
    assert len(new.get('/v1/rules').json()['rules']) == 1
    again = import_into(new, old)
    assert 'nodes: 2 read, 0 new, 0 updated, 2 unchanged' in again.stdout
    assert 'rules: 1 read, 0 new, 0 updated, 1 unchanged' in again.stdout
    assert new.status(worked_on) == status


def test_a_dry_run_makes_no_database(old, new, database):
    add_node(old)
    told = import_into(new, old, '--dry-run')
    assert told.returncode == 0 and 'nothing was written' in told.stdout and '1 new' in told.stdout
    version = daemon.run('db', 'version', '--config', new.config)
    assert 'schema of the database: none' in version.stdout


def test_what_can_not_be_taken_over_is_told_and_shows_in_the_exit_code(old, new):
    add_node(old, node='odd')
    done = import_into(new, old)
    assert done.returncode == INCOMPLETE
    assert 'left: node odd: its UUID is none' in done.stdout


@pytest.mark.parametrize('url, told', [
    ('mysql+pymysql://u:s3cret@127.0.0.1/db', 'copy it to PostgreSQL'),
    ('sqlite:////nonexistent/a.sqlite', 'can not be opened'),
    ('postgresql://u:s3cret@127.0.0.1:1/db', 'can not be opened')])
def test_a_database_that_can_not_be_read_is_refused_in_one_line(new, url, told):
    done = daemon.run('db', 'import', url, '--config', new.config)
    assert done.returncode == 1 and told in done.stderr and 's3cret' not in done.stderr
    assert done.stderr.count('\n') == 1


def test_the_configuration_names_the_database_and_is_carried_over(old, new, tmp_path, ironic):
    node = add_node(old, processed=PROCESSED)
    conf, made = tmp_path / 'inspector.conf', tmp_path / 'made.toml'
    conf.write_text('[DEFAULT]\nauth_strategy = noauth\ntransport_url = fake://\nlisten_address = 127.0.0.1\n'
                    f'listen_port = {new.port}\n[pxe_filter]\ndriver = noop\n[processing]\nstore_data = database\n'
                    f'[ironic]\nauth_type = http_basic\nusername = u\npassword = s3cret\nendpoint_override = {ironic.url}\n'
                    f'[database]\nconnection = {old.url}\n')
    done = daemon.run('config', 'import', conf, '-o', made)
    assert done.returncode == 0, done.stderr
    assert 's3cret' not in done.stderr and '[database] connection: not needed' in done.stderr
    assert made.stat().st_mode & 0o777 == 0o600
    assert daemon.run('config', 'check', '--config', made).returncode == 0
    with made.open('a') as file:
        file.write(f'\n[database]\nconnection = "{new.database.url}"\n')
    done = daemon.run('db', 'import', conf, '--config', made)
    assert done.returncode == 0, done.stderr
    new.config = made
    new.start()
    assert new.get(f'/v1/introspection/{node}/data').text == PROCESSED


def test_what_is_not_there_yet_is_told_option_by_option(tmp_path):
    conf = tmp_path / 'inspector.conf'
    conf.write_text('[DEFAULT]\nauth_strategy = noauth\n[pxe_filter]\ndriver = noop\n[ours]\na = s3cret\n'
                    '[ironic]\nauth_type = none\nironic_url = http://127.0.0.1:6385\n')
    done = daemon.run('config', 'import', conf)
    assert done.returncode == INCOMPLETE
    lines = [line.partition('inspector.conf:')[2] for line in done.stderr.splitlines()]
    assert '6: [ours] a: not supported: no such section is known here' in lines
    assert '9: [ironic] ironic_url: renamed to ironic.endpoint_override' in lines
    assert 's3cret' not in done.stdout + done.stderr
    check = subprocess.run([daemon.BINARY, 'config', 'check', '--config', '/dev/stdin'], input=done.stdout, text=True,
                           capture_output=True, env=daemon.environment())
    assert check.returncode == 0, check.stdout
