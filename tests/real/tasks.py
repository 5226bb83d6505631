"""Tasks as tests ask for them, over HTTP and from the command line."""

import daemon
from daemon import wait_for


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
