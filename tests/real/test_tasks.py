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
from tasks import children, command, create, messages, show, stands, texts, until_over, until_waiting

STORED = pytest.mark.configured(processing={'store_data': 'database'})


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


def test_the_power_of_a_node_is_switched_under_its_lock(rollcall, ironic, machine):
    with ironic.hold('PUT', '.*/states/power') as held:
        task = create(rollcall, 'power_off_nodes', [machine])
        held.wait()
        refused = machine.begin()
        assert refused.status_code == 400 and 'switching the power for a task' in refused.text
        second = until_over(rollcall, create(rollcall, 'power_on_nodes', [machine]))
        assert stands(second) == ('complete', 'failure') and 'Conflict' in ' '.join(texts(rollcall, second['task_id']))
        held.let_go()
    assert stands(until_over(rollcall, task)) == ('complete', 'success')
    with ironic.hold('PUT', '.*/states/power') as held:
        task = create(rollcall, 'power_on_nodes', [machine])
        held.wait()
        assert rollcall.call('DELETE', f'/v1/tasks/{task}').status_code == 200
        assert stands(until_over(rollcall, task)) == ('terminated', 'failure')
    # Who stops the task gives the node free.
    machine.introspect()
    machine.begin()
    machine.wait('waiting')
    busy = until_over(rollcall, create(rollcall, 'power_off_nodes', [machine]))
    assert stands(busy) == ('complete', 'failure') and machine.state() == 'waiting'


def test_no_instance_works_on_a_node_whose_power_another_one_switches(tmp_path, database, ironic):
    if 'sqlite' in database.url:
        pytest.skip('SQLite serves one instance')
    options = {'cluster': {'ping_interval': 1, 'grace_period': 4, 'claim_interval': 1}}
    instances = []
    for name in ('one', 'two'):
        (tmp_path / name).mkdir()
        instances.append(daemon.Rollcall(tmp_path / name, database, ironic.url, options))
    try:
        leader, other = [instance.start() for instance in instances]
        machine = Machine(ironic, other)
        machine.introspect()
        with ironic.hold('PUT', '.*/states/power') as held:
            task = create(other, 'power_off_nodes', [machine])
            held.wait()
            refused = machine.begin()
            assert refused.status_code == 409 and 'owned by instance' in refused.text, refused.text
            held.let_go()
        assert stands(until_over(other, task)) == ('complete', 'success')
        wait_for(lambda: machine.begin().status_code == 202, 'the node to be free')
        assert leader.get('/api/v1.0/health/extended').json()['leader']['ping_age_s'] <= 4
    finally:
        for instance in instances:
            instance.close()


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
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        told = dict(zip(fleet, pool.map(lambda machine: texts(rollcall, parts[machine.uuid]['task_id']), fleet)))
    for machine, lines in told.items():
        if machine in silent:
            assert lines[1] == 'Waiting for the ramdisk.' and 'timed out' in lines[-1] and len(lines) == 3, lines
        elif machine in failing:
            assert lines[1:3] == ['Waiting for the ramdisk.', 'Data received.'] and 'no disks' in lines[-1], lines
        else:
            assert lines[1:] == complete, lines


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


@pytest.mark.configured(tasks={'max_nodes': 2})
def test_all_tasks_together_keep_within_the_limit_of_nodes(rollcall, machines):
    fleet = [machines() for _ in range(3)]
    first = create(rollcall, 'introspect_nodes', fleet[:1])
    until_waiting(rollcall, fleet[0])
    second = create(rollcall, 'introspect_nodes', fleet[1:])
    progress = wait_for(lambda: show(rollcall, second).get('progress', {}).get('running') and show(rollcall, second)['progress'],
                        'the second task')
    assert (progress['queued'], progress['running']) == (1, 1)
    fleet[0].callback()
    until_over(rollcall, first)
    until_waiting(rollcall, *fleet[1:])
    for machine in fleet[1:]:
        machine.callback()
    assert stands(until_over(rollcall, second)) == ('complete', 'success')


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
