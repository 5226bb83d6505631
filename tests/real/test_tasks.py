"""Tasks: work on many nodes, over HTTP and from the command line, through stops, retries and crashes."""

import concurrent.futures
import json
import os
import subprocess
import threading
import time

import pytest

import daemon
from daemon import wait_for
from machines import Machine

STORED = pytest.mark.configured(processing={'store_data': 'database'})


def create(rollcall, action, nodes=None, root='/v1', **more):
    body = {'action': action, **more}
    if nodes is not None:
        body['node_filter'] = {'filter_set_type': 'union',
                               'filter_set': [{'filter_type': 'union', 'node_uuids': [each.uuid for each in nodes]}]}
    answer = rollcall.post(f'{root}/tasks', json=body)
    assert answer.status_code == 201, answer.text
    task = answer.json()
    assert answer.headers['Location'].endswith(f'{root}/tasks/{task["task_id"]}')
    assert task['status'] == 'queued'
    return task['task_id']


def show(rollcall, task, **query):
    answer = rollcall.get(f'/v1/tasks/{task}', params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def until_over(rollcall, task, seconds=30):
    def over():
        shown = show(rollcall, task)
        return shown if shown['status'] in ('complete', 'terminated') else None
    return wait_for(over, f'task {task}', seconds)


def children(rollcall, task, **query):
    """By the UUID of their node, those of the last attempt."""
    rows = rollcall.get('/v1/tasks', params={'parent': task, 'limit': 1000, **query}).json()
    last = max((row['retry'] for row in rows), default=0)
    return {row['node_uuid']: row for row in rows if row['retry'] == last}


def messages(rollcall, task, **query):
    answer = rollcall.get(f'/v1/tasks/{task}/messages', params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def texts(rollcall, task):
    rows = messages(rollcall, task, limit=1000)
    assert [row['seq'] for row in rows] == list(range(1, len(rows) + 1)), 'no gaps'
    return [row['message'] for row in rows]


def until_waiting(rollcall, *machines):
    """The first run of a node makes its record."""
    for machine in machines:
        wait_for(lambda: rollcall.get(machine.path()).status_code == 200, 'the record')
        machine.wait('waiting')


def stands(task):
    return task['status'], task['result']['status']


def command(rollcall, *arguments, seconds=60):
    return daemon.run(*arguments[:1], '--url', rollcall.url, *arguments[1:], seconds=seconds)


def test_nodes_are_introspected_together_and_each_tells_what_happened(rollcall, machines):
    good, bad, quiet = machines(name='good'), machines(name='bad'), machines(name='quiet')
    task = create(rollcall, 'introspect_nodes', [good, bad])
    until_waiting(rollcall, good, bad)
    assert good.callback().status_code == 200
    assert bad.callback(error='no disks').status_code == 400
    shown = until_over(rollcall, task)
    assert stands(shown) == ('complete', 'partial_success')
    assert (shown['result']['successes'], shown['result']['failures']) == (['good'], ['bad'])
    assert shown['progress'] == {'total': 2, 'queued': 0, 'running': 0, 'succeeded': 1, 'failed': 1}
    assert rollcall.get(quiet.path()).status_code == 404
    parts = children(rollcall, task)
    assert texts(rollcall, parts[good.uuid]['task_id']) == [
        f'Introspection was started by {by(rollcall, good)}.', 'Waiting for the ramdisk.', 'Data received.', 'Hooks done.',
        'Rules applied: 0 matched.', 'Introspection finished.']
    last = messages(rollcall, parts[bad.uuid]['task_id'])[-1]
    assert 'no disks' in last['message'] and last['error'] and last['level'] == 'Error'
    assert (last['context_type'], last['context']) == ('node', bad.uuid)
    assert last['extra'] == {'node_name': 'bad', 'run_id': parts[bad.uuid]['run_id']}
    told = texts(rollcall, task)
    assert told[0] == 'The task is for 2 nodes.' and told[-1] == '1 nodes succeeded, 1 failed.'
    assert sum(text.startswith('Started subtask') for text in told) == 2
    assert sum('no disks' in text for text in told) == 1
    # What was found is found by the task.
    rows = show(rollcall, task, builddata='true')['build_data']
    assert {row['node_uuid'] for row in rows} == {good.uuid, bad.uuid} and {row['task_id'] for row in rows} == {task}
    of_good = rollcall.get(f'/v1/tasks/{parts[good.uuid]["task_id"]}/builddata').json()
    assert {row['node_name'] for row in of_good} == {'good'} and 'facts' in {row['generator'] for row in of_good}
    errors = show(rollcall, task, subtaskerrors='true')['subtask_errors']
    assert list(errors) == [parts[bad.uuid]['task_id']]
    layers = show(rollcall, task, layers=2)
    assert set(layers) == {'init_task_id', task} | {part['task_id'] for part in parts.values()}


def by(rollcall, machine):
    """Who began the last run."""
    return rollcall.get(machine.path('events')).json()['events'][0]['by']


def test_a_node_that_is_being_introspected_is_a_conflict_of_its_own(rollcall, machines):
    busy, free = machines(), machines()
    busy.until_waiting()
    task = create(rollcall, 'introspect_nodes', [busy, free])
    until_waiting(rollcall, free)
    assert free.callback().status_code == 200
    shown = until_over(rollcall, task)
    assert stands(shown) == ('complete', 'partial_success')
    assert shown['result']['failures'] == [busy.uuid]
    [text] = texts(rollcall, children(rollcall, task)[busy.uuid]['task_id'])
    assert text.startswith('Conflict: the node is being introspected already')
    assert busy.state() == 'waiting'


def test_runs_are_aborted_and_data_is_processed_again_by_tasks(rollcall, machines):
    first, second = machines(), machines()
    first.introspect()
    second.until_waiting()
    assert stands(until_over(rollcall, create(rollcall, 'reapply_introspection', [first, second]))) == \
        ('complete', 'partial_success')
    shown = until_over(rollcall, create(rollcall, 'abort_introspection', [first, second]))
    assert stands(shown) == ('complete', 'success')
    assert second.status()['error'] == 'Canceled by operator'
    parts = children(rollcall, shown['task_id'])
    assert texts(rollcall, parts[first.uuid]['task_id']) == ['The node is not being introspected.']
    assert texts(rollcall, parts[second.uuid]['task_id'])[-1].startswith('Introspection was aborted')


def test_the_power_of_nodes_is_switched_by_tasks(rollcall, ironic, machines):
    both = [machines(), machines()]
    for action, state in [('power_on_nodes', 'power on'), ('power_off_nodes', 'power off'), ('reboot_nodes', 'power on')]:
        shown = until_over(rollcall, create(rollcall, action, both))
        assert stands(shown) == ('complete', 'success'), shown
        assert {machine.node['power_state'] for machine in both} == {state}


@pytest.mark.configured(tasks={'nodes_per_task': 1})
def test_a_task_is_stopped_with_what_it_has_begun(rollcall, machines):
    first, second = machines(name='a'), machines(name='b')
    task = create(rollcall, 'introspect_nodes', [first, second])
    until_waiting(rollcall, first)
    stopped = command(rollcall, 'task', 'terminate', task, '--block', '-o', 'json')
    assert stopped.returncode == 3, stopped
    shown = json.loads(stopped.stdout)
    assert stands(shown) == ('terminated', 'failure') and shown['terminate']
    assert first.wait('error')['error'] == 'Canceled by operator'
    # The second one was never begun.
    assert rollcall.get(second.path()).status_code == 404
    assert {row['status'] for row in children(rollcall, task).values()} == {'terminated'}
    assert rollcall.call('DELETE', f'/v1/tasks/{task}').status_code == 409
    queued = create(rollcall, 'noop')
    wait_for(lambda: show(rollcall, queued)['status'] == 'running', 'the task to begin')
    assert rollcall.call('DELETE', f'/v1/tasks/{queued}').json()['status'] == 'terminating'
    assert stands(until_over(rollcall, queued)) == ('terminated', 'failure')


def test_what_failed_is_tried_again_and_what_succeeded_stays(rollcall, machines):
    good, bad = machines(name='good'), machines(name='bad')
    task = create(rollcall, 'introspect_nodes', [good, bad])
    until_waiting(rollcall, good, bad)
    good.callback()
    bad.callback(error='no disks')
    until_over(rollcall, task)
    run = good.status()['started_at']
    assert rollcall.post(f'/v1/tasks/{task}/retry').status_code == 200
    until_waiting(rollcall, bad)
    assert bad.callback().status_code == 200
    shown = until_over(rollcall, task)
    assert stands(shown) == ('complete', 'success') and shown['retry'] == 1
    assert shown['result']['successes'] == ['bad', 'good'] and shown['result']['failures'] == []
    assert good.status()['started_at'] == run
    assert rollcall.post(f'/v1/tasks/{task}/retry').status_code == 409


def test_a_task_for_no_node_has_nothing_to_do(rollcall, machine):
    element = {'filter_type': 'union', 'node_names': ['nobody']}
    body = {'action': 'introspect_nodes', 'node_filter': {'filter_set_type': 'union', 'filter_set': [element]}}
    answer = rollcall.post('/api/v1.0/tasks', json=body)
    shown = until_over(rollcall, answer.json()['task_id'])
    assert stands(shown) == ('complete', 'success')
    assert shown['result']['message'] == 'No nodes in scope, no work to do.'


@pytest.mark.configured(tasks={'keep_days': 0})
def test_a_killed_daemon_goes_on_with_its_tasks(rollcall, machines):
    first, second, late = machines(), machines(), machines()
    task = create(rollcall, 'introspect_nodes', [first, second, late])
    until_waiting(rollcall, first, second, late)
    assert first.callback().status_code == 200
    rollcall.kill()
    rollcall.start()
    assert second.callback().status_code == 200
    assert late.abort().status_code == 202
    shown = until_over(rollcall, task)
    assert stands(shown) == ('complete', 'partial_success')
    parts = children(rollcall, task)
    for machine in (first, second):
        told = texts(rollcall, parts[machine.uuid]['task_id'])
        assert told[1:] == ['Waiting for the ramdisk.', 'Data received.', 'Hooks done.', 'Rules applied: 0 matched.',
                            'Introspection finished.'], told
    assert 'The task goes on under another leader.' in texts(rollcall, task)


def test_messages_are_followed_from_the_command_line(rollcall, machine):
    task = create(rollcall, 'introspect_nodes', [machine])
    until_waiting(rollcall, machine)
    part = wait_for(lambda: children(rollcall, task), 'the subtask')[machine.uuid]['task_id']
    arguments = [daemon.BINARY, 'task', '--url', rollcall.url, 'messages', part, '--follow', '-o', 'json']
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=daemon.environment()) as following:
        first = json.loads(following.stdout.readline())
        assert first['seq'] == 1 and first['message'].startswith('Introspection was started')
        machine.callback()
        rest = [json.loads(line) for line in following.stdout]
        assert following.wait(30) == 0
    assert rest[-1]['message'] == 'Introspection finished.'
    assert [row['seq'] for row in rest] == list(range(2, len(rest) + 2))


def test_the_command_line_asks_for_tasks_and_nodes(rollcall, machines):
    machine = machines(name='rack1')
    created = command(rollcall, 'task', 'create', 'noop', '--block', '-o', 'yaml')
    assert created.returncode == 0, created
    assert 'status: complete' in created.stdout
    listed = command(rollcall, 'task', 'list', '-o', 'json')
    [task] = json.loads(listed.stdout)
    assert command(rollcall, 'task', 'show', task['task_id']).stdout.count(task['task_id']) == 1
    late = command(rollcall, 'task', 'create', 'introspect_nodes', '-n', 'rack1', '--block', '--timeout', '1')
    assert late.returncode == 4, late
    until_waiting(rollcall, machine)
    machine.callback(error='broken')
    [last] = json.loads(command(rollcall, 'task', 'list', '--action', 'introspect_nodes', '-o', 'json').stdout)
    failed = command(rollcall, 'task', 'show', last['task_id'], '--block')
    assert failed.returncode == 1 and 'rack1' in failed.stdout, failed
    assert 'rack1' in command(rollcall, 'node', 'list').stdout
    assert json.loads(command(rollcall, 'node', 'show', machine.uuid, '-o', 'json').stdout)['state'] == 'error'
    assert 'unprocessed' in command(rollcall, 'node', 'builddata', machine.uuid).stdout
    machine.introspect()
    assert 'facts' in command(rollcall, 'node', 'builddata', 'rack1').stdout
    machine.document['inventory']['memory']['physical_mb'] = 32768
    machine.introspect()
    assert 'memory' in command(rollcall, 'node', 'diff', machine.uuid).stdout
    refused = command(rollcall, 'task', 'create', 'dance')
    assert refused.returncode == 1 and 'Unsupported action dance' in refused.stderr


# Five of a hundred say nothing, five fail. The full size is a thousand.
NODES = int(os.environ.get('ROLLCALL_TEST_TASK_NODES', '300'))
SILENT = FAILING = NODES // 20


@pytest.mark.alone
@pytest.mark.configured(timeout=max(20, NODES // 22), tasks={'nodes_per_task': NODES})
def test_a_task_for_many_nodes_outlives_its_leader(rollcall, machines):
    fleet = [machines(name=f'node{number:04}') for number in range(NODES)]
    silent, failing = fleet[:SILENT], fleet[SILENT:SILENT + FAILING]
    task = create(rollcall, 'introspect_nodes')
    began = time.monotonic()
    blocking = subprocess.Popen([daemon.BINARY, 'task', '--url', rollcall.url, 'show', task, '--block'],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=daemon.environment())
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(blocking.stderr))
    reader.start()

    def answer(machine):
        wait_for(lambda: waiting(machine), f'{machine.uuid} to wait', 120)
        more = {'error': 'no disks'} if machine in failing else {}
        wait_for(lambda: posted(machine, more), 'the callback to be taken', 60)

    def waiting(machine):
        try:
            return rollcall.get(machine.path()).json().get('state') == 'waiting'
        except OSError:
            return False

    def posted(machine, more):
        try:
            return machine.callback(**more).status_code in (200, 400)
        except OSError:
            return False
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        half = (NODES - SILENT) // 2
        list(pool.map(answer, fleet[SILENT:SILENT + half]))
        rollcall.kill()
        rollcall.start()
        list(pool.map(answer, fleet[SILENT + half:]))
    shown = until_over(rollcall, task, 120)
    print(f'{NODES} nodes took {time.monotonic() - began:.1f} s')
    blocking.wait(30)
    reader.join()
    assert stands(shown) == ('complete', 'partial_success')
    assert len(shown['result']['successes']) == NODES - SILENT - FAILING
    assert len(shown['result']['failures']) == SILENT + FAILING
    assert any(f'0/{NODES} nodes' not in line for line in lines), lines
    parts = children(rollcall, task)
    assert len(parts) == NODES
    complete = ['Waiting for the ramdisk.', 'Data received.', 'Hooks done.', 'Rules applied: 0 matched.',
                'Introspection finished.']
    for machine in fleet[:10] + failing[:10] + fleet[-10:]:
        told = texts(rollcall, parts[machine.uuid]['task_id'])
        if machine in silent:
            assert told[1] == 'Waiting for the ramdisk.' and 'timed out' in told[-1], told
        elif machine in failing:
            assert 'no disks' in told[-1], told
        else:
            assert told[1:] == complete, told


DESIGN = '''
schema: drydock/HardwareProfile/v1
metadata: {{name: server}}
data: {{memory_mb: {memory}, cpu: {{count: 8, architecture: x86_64}}, boot_mode: uefi, disks: {{count: 1}}}}
---
schema: drydock/BaremetalNode/v1
metadata: {{name: rack1}}
data:
  hardware_profile: server
  oob: {{address: {bmc}}}
  metadata: {{boot_mac: '{mac}'}}
  hardware: {{nics: {{eth0: {{mac: '{mac}'}}, eth1: {{mac: '{other}'}}}}}}
'''


def findings(rollcall, task):
    [part] = children(rollcall, task).values()
    rows = [row for row in messages(rollcall, part['task_id']) if 'code' in row['extra']]
    return [(row['extra']['code'], row['level']) for row in rows]


def test_machines_are_held_against_a_design(tmp_path, database, ironic):
    folder = tmp_path / 'designs'
    folder.mkdir()
    options = {'processing': {'store_data': 'database'}, 'design': {'folders': [str(folder)], 'cache_time': 0}}
    rollcall = daemon.Rollcall(tmp_path, database, ironic.url, options)
    try:
        rollcall.start()
        machine = Machine(ironic, rollcall, name='rack1')
        place = folder / 'site.yaml'
        reference = f'file://{place}'

        def declare(**more):
            nics = machine.document['inventory']['interfaces']
            right = {'memory': 16384, 'mac': machine.mac, 'other': nics[1]['mac_address'],
                     'bmc': machine.document['inventory']['bmc_address']}
            place.write_text(DESIGN.format(**{**right, **more}))

        def compare():
            return until_over(rollcall, create(rollcall, 'compare_design', [machine], design_ref=reference))
        declare()
        none = compare()
        assert stands(none) == ('complete', 'failure')
        assert 'There is no inventory of the node yet.' in ' '.join(texts(rollcall, none['task_id']))
        machine.introspect()
        right = compare()
        assert stands(right) == ('complete', 'success') and findings(rollcall, right['task_id']) == [('HW000', 'Info')]
        declare(memory=1024, other='52:54:00:ff:ff:ff')
        wrong = compare()
        assert stands(wrong) == ('complete', 'failure')
        assert findings(rollcall, wrong['task_id']) == [('HW030', 'Error'), ('HW004', 'Error')]
        good = until_over(rollcall, create(rollcall, 'validate_design', design_ref=reference))
        assert stands(good) == ('complete', 'success') and good['design_ref'] == reference
        place.write_text('schema: drydock/BaremetalNode/v1\nmetadata: {name: rack1}\ndata: {hardware_profile: 3}\n')
        bad = until_over(rollcall, create(rollcall, 'validate_design', design_ref=reference))
        assert stands(bad) == ('complete', 'failure') and bad['result']['message'] == 'Site design failed validation.'
        assert rollcall.post('/api/v1.0/validatedesign', json={'href': reference}).status_code == 400
        # What can not be read ends a task with the reason; nothing outside is read, nobody in here is asked.
        for href, why in [(f'file://{folder}/none.yaml', 'No such file'), ('file:///etc/hostname', 'not below'),
                          (f'http://me:s3cret@127.0.0.1:{rollcall.port}/', 'may not be asked')]:
            task = create(rollcall, 'validate_design', design_ref=href)
            failed = until_over(rollcall, task)
            assert stands(failed) == ('complete', 'failure') and why in failed['result']['message'], failed
            assert 's3cret' not in json.dumps(failed)
            assert rollcall.post('/v1/validatedesign', json={'href': href}).status_code == 422
        assert 's3cret' not in rollcall.log.read_text()
        command_line = command(rollcall, 'task', 'create', 'compare_design', '-d', reference, '--block')
        assert command_line.returncode == 1, command_line
    finally:
        rollcall.close()


def test_another_instance_goes_on_with_the_tasks_of_a_leader_that_is_gone(tmp_path, database, ironic):
    if 'sqlite' in database.url:
        pytest.skip('SQLite serves one instance')
    folders = [tmp_path / name for name in ('one', 'two')]
    for folder in folders:
        folder.mkdir()
    options = {'processing': {'store_data': 'database'}, 'cluster': {'ping_interval': 1, 'grace_period': 4, 'claim_interval': 1}}
    instances = [daemon.Rollcall(folder, database, ironic.url, options) for folder in folders]
    try:
        first, second = [instance.start() for instance in instances]
        fleet = [Machine(ironic, second, name=f'node{number}') for number in range(6)]
        task = create(second, 'introspect_nodes', fleet)
        until_waiting(second, *fleet)
        first.kill()
        for machine in fleet:
            wait_for(lambda: machine.callback().status_code == 200, 'the callback to be taken')
        shown = until_over(second, task, 60)
        assert stands(shown) == ('complete', 'success'), shown
        assert 'The task goes on under another leader.' in texts(second, task)
        for part in children(second, task).values():
            assert texts(second, part['task_id'])[1:] == [
                'Waiting for the ramdisk.', 'Data received.', 'Hooks done.', 'Rules applied: 0 matched.',
                'Introspection finished.']
    finally:
        for instance in instances:
            instance.close()


def rack_filter(*racks):
    return {'filter_set_type': 'union', 'filter_set': [{'filter_type': 'union', 'rack_names': list(racks)}]}


@pytest.mark.configured(tasks={'nodes_per_rack': 1})
def test_a_rack_is_worked_on_within_its_limit(rollcall, machines):
    first, second = [machines(name=f'a{number}', extra={'rack': 'r1'}) for number in range(2)]
    other = machines(name='b0', extra={'rack': 'r2', 'tags': ['x']})
    machines(name='c0', properties={'rack': 'r3'})
    body = {'action': 'introspect_nodes', 'node_filter': rack_filter('r1', 'r2')}
    task = rollcall.post('/v1/tasks', json=body).json()['task_id']
    until_waiting(rollcall, first, other)
    assert show(rollcall, task)['progress'] == {'total': 3, 'queued': 1, 'running': 2, 'succeeded': 0, 'failed': 0}
    first.callback()
    until_waiting(rollcall, second)
    for machine in (second, other):
        machine.callback()
    assert stands(until_over(rollcall, task)) == ('complete', 'success')
    assert rollcall.post('/v1/nodefilter', json={'node_filter': rack_filter('r3')}).json() == ['c0']
    tagged = {'filter_set_type': 'union', 'filter_set': [{'filter_type': 'union', 'node_tags': ['x']}]}
    assert rollcall.post('/api/v1.0/nodefilter', json={'node_filter': tagged}).json() == ['b0']


def test_long_names_are_whole_everywhere_and_health_leaves_no_task(rollcall, machines):
    name = 'n' * 200
    machine = machines(name=name)
    task = create(rollcall, 'introspect_nodes', [machine], root='/api/v1.0')
    until_waiting(rollcall, machine)
    machine.callback()
    assert until_over(rollcall, task)['result']['successes'] == [name]
    assert {row['node_name'] for row in rollcall.get(f'/api/v1.0/nodes/{name}/builddata').json()} == {name}
    for path, code in [('/api/v1.0/health', 204), ('/api/v1.0/health/extended', 200), ('/versions', 200)]:
        assert rollcall.get(path).status_code == code
    everything = rollcall.get('/v1/tasks', params={'subtasks': 'true'}).json()
    assert [row['action'] for row in everything] == ['introspect_node', 'introspect_nodes']
    assert rollcall.call('DELETE', '/v1/tasks', params={'days': 1}).json() == {'dry_run': False, 'removed': 0}
    missing = rollcall.get('/api/v1.0/tasks/00000000-0000-4000-8000-000000000000')
    assert missing.status_code == 404
    assert missing.json() == {'type': 'error', 'retry': False,
                              'message': 'Task 00000000-0000-4000-8000-000000000000 does not exist'}
