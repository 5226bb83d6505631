"""What runs found: kept when the node is gone, compared, searched, and processed again without effect."""

import base64
import concurrent.futures
import copy
import json
import subprocess
import time

import psycopg
import pytest

import daemon
from daemon import wait_for
from machines import Machine

STORED = pytest.mark.configured(processing={'store_data': 'database'})
RUNS = 1000
MACHINES = 40


def builds(rollcall, machine, **query):
    answer = rollcall.get(machine.path('builddata'), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def diff(rollcall, machine, **query):
    answer = rollcall.get(machine.path('diff'), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_each_run_leaves_what_it_found(rollcall, machine):
    machine.node['name'] = 'rack1'
    logs = base64.b64encode(b'\x1f\x8b archive').decode()
    machine.document['inventory']['interfaces'][0]['lldp'] = [[1, '04112233aabbcc'], [2, '07373334']]
    machine.document['logs'] = logs
    machine.introspect()
    machine.introspect()
    rows = builds(rollcall, machine)
    assert [row['generator'] for row in rows[:5]] == [row['generator'] for row in rows[5:]]
    by_name = {row['generator']: row for row in builds(rollcall, machine, latest='true')}
    assert set(by_name) == {'inventory', 'lldp', 'unprocessed', 'logs', 'facts'}
    assert json.loads(by_name['inventory']['data_element']) == machine.document['inventory']
    posted = {key: value for key, value in machine.document.items() if key != 'logs'}
    assert json.loads(by_name['unprocessed']['data_element']) == posted
    assert (by_name['logs']['data_element'], by_name['logs']['encoding']) == (logs, 'base64')
    assert json.loads(by_name['lldp']['data_element']) == {'eth0': [[1, '04112233aabbcc'], [2, '07373334']]}
    assert {row['node_name'] for row in rows} == {'rack1'} and len({row['run_id'] for row in rows}) == 2
    assert rollcall.get('/v1/introspection/rack1/builddata').json() == rows
    [short] = builds(rollcall, machine, latest='true', generator='facts', detail='false')
    assert 'data_element' not in short and short['digest'] == by_name['facts']['digest']
    [one] = rollcall.get('/v1/builddata', params={'run': short['run_id'], 'generator': 'facts'}).json()
    assert rollcall.get(f'/v1/builddata/{short["id"]}').json() == one
    seen = rollcall.get('/v1/sightings', params={'switch': '11:22:33:AA:BB:CC', 'port': '734'}).json()['sightings']
    assert [(row['node_uuid'], row['present']) for row in seen] == [(machine.uuid, True)]


def test_a_run_that_fails_leaves_what_was_posted(rollcall, machine):
    machine.until_waiting()
    assert machine.callback(error='it broke').status_code == 400
    assert machine.wait('error')['error']
    [row] = builds(rollcall, machine)
    assert row['generator'] == 'unprocessed' and json.loads(row['data_element'])['error'] == 'it broke'


@pytest.mark.configured(clean_up_period=1)
def test_build_data_outlives_the_node_and_its_name_leads_to_both(rollcall, machine, machines, ironic):
    machine.node['name'] = 'rack1'
    # An empty list of nodes is not believed.
    machines()
    machine.introspect()
    first = builds(rollcall, machine)
    del ironic.nodes[machine.uuid]
    wait_for(lambda: rollcall.get(machine.path()).status_code == 404, 'the record to go', 15)
    assert builds(rollcall, machine) == first
    again = machines(name='rack1')
    again.introspect()
    both = rollcall.get('/v1/introspection/rack1/builddata').json()
    assert [row['node_uuid'] for row in both] == [again.uuid] * len(first) + [machine.uuid] * len(first)


def test_one_changed_disk_is_told_as_exactly_that(rollcall, machine):
    machine.document['inventory']['disks'][0]['serial'] = 'OLD'
    machine.introspect()
    assert rollcall.get(machine.path('diff')).status_code == 404
    machine.introspect()
    assert diff(rollcall, machine)['differences'] == []
    changed = copy.deepcopy(machine.document)
    changed['inventory']['disks'][0]['serial'] = 'NEW'
    # An address and a carrier come and go.
    changed['inventory']['interfaces'][0].update(ipv4_address='172.16.9.9', has_carrier=False)
    machine.document = changed
    machine.introspect()
    told = diff(rollcall, machine)['differences']
    assert [(one['component'], one['key'], one['change']) for one in told] == [
        ('disks', 'NEW', 'added'), ('disks', 'OLD', 'removed')]
    runs = [row['run_id'] for row in builds(rollcall, machine, generator='facts')]
    assert diff(rollcall, machine, **{'from': runs[1], 'to': runs[0]})['differences'] == told
    assert diff(rollcall, machine, **{'from': runs[2], 'to': runs[1]})['differences'] == []
    where = [rollcall.get('/v1/sightings', params={'serial': serial}).json()['sightings'] for serial in ('old', 'NEW')]
    assert [[row['present'] for row in rows] for rows in where] == [[False], [True]]


def size(rollcall):
    """Bytes that are in use."""
    if rollcall.database.url.startswith('sqlite'):
        [(pages,)], [(free,)] = (rollcall.database.rows(f'PRAGMA {name}') for name in ('page_count', 'freelist_count'))
        return (pages - free) * 4096
    with psycopg.connect(rollcall.database.url, autocommit=True) as connection:
        connection.execute('VACUUM FULL')
        return connection.execute('SELECT pg_database_size(current_database())').fetchone()[0]


def introspect_all(machines, rounds):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(rounds):
            list(pool.map(Machine.introspect, machines))


@STORED
@pytest.mark.timeout(300)
def test_unchanged_hardware_costs_little_room(rollcall, machines, capsys):
    fleet = [machines() for _ in range(MACHINES)]
    introspect_all(fleet, 2)
    before = size(rollcall)
    introspect_all(fleet, RUNS // MACHINES)
    each = (size(rollcall) - before) / RUNS
    with capsys.disabled():
        print(f'\nfigure: {RUNS} introspections of unchanged hardware grow the database by {each:.0f} bytes each')
    assert each < 4096


@STORED
@pytest.mark.timeout(300)
def test_a_thousand_stored_documents_are_replayed_and_nothing_is_written(rollcall, machines, ironic, capsys):
    fleet = [machines() for _ in range(MACHINES)]
    introspect_all(fleet, 1)
    rule = {'conditions': [{'op': 'ge', 'field': 'cpus', 'value': 8}],
            'actions': [{'action': 'set-attribute', 'path': '/extra/rule', 'value': 'changed'}]}
    assert rollcall.post('/v1/rules', json=rule).status_code == 201
    look = ('SELECT count(*), max(version), max(state_since) FROM nodes', 'SELECT count(*) FROM runs',
            'SELECT count(*) FROM build_data', 'SELECT count(*) FROM documents')
    before, start = [rollcall.database.rows(each) for each in look], len(ironic.calls)
    began, lines = time.monotonic(), []
    for _ in range(RUNS // MACHINES):
        answer = rollcall.post('/v1/replay', json={'states': ['finished']})
        assert answer.status_code == 200
        *told, summary = [json.loads(line) for line in answer.text.splitlines()]
        lines += told
        assert summary == {'summary': {'done': MACHINES, 'failed': 0, 'dry_run': True, 'error': None}}
    took = time.monotonic() - began
    with capsys.disabled():
        print(f'\nfigure: {len(lines) / took:.0f} stored documents are replayed a second')
    assert {line['node'] for line in lines} == {machine.uuid for machine in fleet}
    for line in lines:
        assert line['error'] is None and line['difference'] == [] and line['rules'][0]['matches'] is True
        assert {'op': 'add', 'path': '/extra/rule', 'value': 'changed'} in line['change']['node_patch']
    assert [rollcall.database.rows(each) for each in look] == before
    assert {call.method for call in ironic.calls[start:]} == {'GET'}


@STORED
def test_an_older_snapshot_is_replayed_and_the_difference_to_what_is_stored_is_told(rollcall, machine):
    machine.introspect()
    older = builds(rollcall, machine, generator='unprocessed')[0]
    machine.document['inventory']['memory']['physical_mb'] = 32768
    machine.introspect()
    told = machine.reapply(params={'dry_run': 'true', 'snapshot': older['run_id']}).json()
    assert {'op': 'replace', 'path': '/inventory/memory/physical_mb', 'value': 16384} in told['difference']
    assert machine.reapply(params={'dry_run': 'true'}).json()['difference'] == []
    assert machine.state() == 'finished'
    assert machine.reapply(params={'dry_run': 'true', 'snapshot': '999999'}).status_code == 404


@STORED
def test_many_are_reapplied(rollcall, machines):
    fleet = [machines() for _ in range(12)]
    introspect_all(fleet, 1)
    answer = rollcall.post('/v1/replay', json={'dry_run': False, 'nodes': [machine.uuid for machine in fleet[:11]]})
    assert json.loads(answer.text.splitlines()[-1])['summary']['done'] == 11
    for machine in fleet[:11]:
        machine.wait('finished')
    [(count,)] = rollcall.database.rows("SELECT count(*) FROM runs WHERE kind = 'reapply'")
    assert count == 11


def prune(rollcall, *options):
    program = [daemon.BINARY, 'db', '--config', str(rollcall.config), 'prune-build-data', *options]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.strip()


def test_build_data_is_counted_and_removed_beside_the_daemon(rollcall, machine):
    for _ in range(3):
        machine.introspect()
    assert len(builds(rollcall, machine)) == 9
    assert prune(rollcall)[0] != 0
    assert prune(rollcall, '--keep-latest', '2', '--dry-run') == (0, '3 rows of build data would be removed')
    assert len(builds(rollcall, machine)) == 9
    assert prune(rollcall, '--keep-latest', '2') == (0, '3 rows of build data removed')
    assert len(builds(rollcall, machine)) == 6
    assert prune(rollcall, '--older-than', '3600') == (0, '0 rows of build data removed')


@pytest.mark.configured(clean_up_period=1, build_data={'keep_latest': 1})
def test_the_daemon_keeps_as_many_as_it_is_told_to(rollcall, machine):
    machine.introspect()
    machine.introspect()
    wait_for(lambda: len(builds(rollcall, machine)) == 3, 'the older ones to go', 15)
