"""The inventory of hosts beside introspection: what is declared is introspected, and an import holds up nobody."""

import json
import threading
import time

import pytest

import daemon
from daemon import wait_for
from machines import bmc, document, mac

SYSTEMS = 1000
MACHINES = 12
LOCAL = pytest.mark.configured(node_service='local')


def send(rollcall, systems, **members):
    answer = rollcall.post('/v1/inventory/import', json={'systems': systems, **members})
    assert answer.status_code == 200, answer.text
    return answer.json()


def adapters(number, count):
    return {f'hw{nic}': {'mac': mac(number, nic)} for nic in range(count)}


@LOCAL
def test_a_declared_system_is_introspected_and_shows_what_was_found(rollcall):
    name = 'web7.example.com'
    made = send(rollcall, {'x': {'hostname': name, 'oob_ip': bmc(7), 'serial': 'S7', 'hwadapter_set': adapters(7, 1)}},
                commit=True, comment='first')
    uuid = made['systems'][name]['uuid']
    assert rollcall.post(f'/v1/introspection/{name}').status_code == 202
    wait_for(lambda: rollcall.status(uuid)['state'] == 'waiting', 'the start')
    assert rollcall.callback(document(7)).json() == {'uuid': uuid}
    wait_for(lambda: rollcall.status(uuid)['state'] == 'finished', 'the end')

    def shown():
        return rollcall.get(f'/v1/inventory/systems/{name}').json()

    wait_for(lambda: shown()['links'] and shown()['observed'], 'the link')
    [link] = shown()['links']
    assert (link['node_uuid'], link['state'], link['evidence']) == (uuid, 'linked', 'mac')
    assert shown()['introspection']['state'] == 'finished'
    assert shown()['differences'] == [{'field': 'mac', 'declared': None, 'observed': mac(7, 1)}]
    chosen = {'filter_set_type': 'union', 'filter_set': [{'filter_type': 'union', 'systems': 'link=linked serial=S7'}]}
    assert rollcall.post('/v1/nodefilter', json={'node_filter': chosen}).json() == [name]
    chosen['filter_set'][0]['systems'] = 'colour=red'
    refused = rollcall.post('/v1/tasks', json={'action': 'noop', 'node_filter': chosen})
    assert refused.status_code == 400 and 'there are: sys.uuid' in daemon.message(refused)
    exported = rollcall.get('/v1/inventory/export?related=observed').json()
    beside = exported['systems'][name]['observed']
    assert beside['introspection']['state'] == 'finished' and beside['differences'] == shown()['differences']
    again = rollcall.post('/v1/inventory/import', json={**exported, 'commit': True}).json()
    assert again['summary']['update'] == 0 and [notice['code'] for notice in again['notices']] == ['observed']
    [change] = [row for row in rollcall.get('/v1/inventory/changes').json()['changes'] if row['kind'] == 'system']
    assert (change['comment'], change['before'], change['after']['hostname']) == ('first', None, name)


def test_the_commands_work_beside_the_daemon(rollcall, tmp_path):
    send(rollcall, {'x': {'hostname': 'a.example.com', 'hwadapter_set': adapters(1, 2)}}, commit=True)
    for name in ('hosts.json', 'hosts.yaml', 'hosts.csv'):
        path = tmp_path / name
        done = daemon.run('inventory', 'export', '--config', rollcall.config, path)
        assert (done.returncode, done.stdout) == (0, 'exported 1 systems\n'), done.stderr
        done = daemon.run('inventory', 'import', '--config', rollcall.config, path, '--commit')
        assert 'nothing to change: 0 create, 0 update, 0 move, 0 delete, 3 unchanged' in done.stdout, done.stderr
    (tmp_path / 'edit.csv').write_text('hostname,notes\na.example.com,moved\n')
    done = daemon.run('inventory', 'import', '--config', rollcall.config, tmp_path / 'edit.csv', '--commit')
    assert done.returncode == 0 and 'notes: null -> "moved"' in done.stdout.replace('    notes: ->', 'notes: null ->')
    assert rollcall.get('/v1/inventory/systems/a.example.com').json()['system']['notes'] == 'moved'


def test_callbacks_go_on_while_systems_are_imported(rollcall, machines):
    made = [machines() for _ in range(MACHINES)]
    for machine in made:
        machine.until_waiting()
    systems = {f's{number}': {'hostname': f's{number}.example.com', 'hwadapter_set': {
        f'hw{nic}': {'mac': f'02:00:{number >> 8:02x}:{number & 255:02x}:00:{nic:02x}'} for nic in range(4)}}
        for number in range(SYSTEMS)}
    body, outcome, times = json.dumps({'systems': systems, 'commit': True}), [], []
    importing = threading.Thread(target=lambda: outcome.append(
        daemon.requests.post(rollcall.url + '/v1/inventory/import', data=body, timeout=120,
                             headers={'Content-Type': 'application/json'})))
    importing.start()
    for machine in made:
        began = time.monotonic()
        assert machine.callback().status_code == 200
        times.append(time.monotonic() - began)
    importing.join()
    assert outcome[0].status_code == 200, outcome[0].text[:1000]
    assert outcome[0].json()['summary']['create'] == SYSTEMS * 5
    for machine in made:
        machine.wait('finished')
    print(f'callbacks beside an import: median {sorted(times)[len(times) // 2]:.3f} s, longest {max(times):.3f} s')
    assert max(times) < 10


@pytest.mark.configured(inventory={'max_systems': 50})
def test_an_import_too_large_to_wait_for_is_a_task_that_outlives_the_daemon(rollcall):
    systems = {f's{number}.example.com': {'hostname': f's{number}.example.com', 'hwadapter_set': {
        'hw0': {'mac': f'02:00:{number >> 8:02x}:{number & 255:02x}:00:00'}}} for number in range(SYSTEMS)}

    def import_as_task(body):
        answer = rollcall.post('/v1/inventory/import', json=body)
        assert answer.status_code == 202, answer.text
        path = '/v1/tasks/' + answer.json()['task_id']
        assert answer.headers['Location'].endswith(path)
        return path

    def over(path):
        wait_for(lambda: rollcall.get(path).json()['status'] == 'complete', 'the import', 60)
        messages = [entry['message'] for entry in rollcall.get(path + '/messages').json()]
        return rollcall.get(path).json()['result']['status'], messages

    path = import_as_task({'systems': systems, 'commit': True, 'comment': 'many'})
    rollcall.kill()
    rollcall.start()
    status, messages = over(path)
    assert (status, messages[-1][:10]) == ('success', 'Committed:'), messages
    told = [f'{SYSTEMS} systems were read, and are compared.', f'{SYSTEMS * 2} objects change.']
    assert set(told) <= set(messages), messages
    names = [row['label'] for row in rollcall.get('/v1/inventory/changes?limit=1000').json()['changes']
             if row['kind'] == 'system']
    assert len(names) == len(set(names))
    assert len(rollcall.get('/v1/inventory/export?fields=serial').json()['systems']) == SYSTEMS
    assert rollcall.get('/v1/inventory/changes?change_set=' + path.rsplit('/', 1)[1] + '&limit=1').json()['changes']
    # All that is wrong is told, and nothing is written; or only what is good is.
    some = [{'hostname': f't{number}' if number % 10 else f'-{number}'} for number in range(60)]
    status, messages = over(import_as_task({'systems': some, 'commit': True}))
    assert status == 'failure' and sum(text.startswith('/systems/') for text in messages) == 6, messages
    status, messages = over(import_as_task({'systems': some, 'commit': True, 'atomic': False}))
    assert status == 'partial_success' and sum(text.startswith('/systems/') for text in messages) == 6, messages
    assert len(rollcall.get('/v1/inventory/export?q=t*&fields=serial').json()['systems']) == 54
