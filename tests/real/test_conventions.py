"""What holds for every request: notations of UUIDs, names, slashes, parameters, bodies, what is told to anybody."""

import json
import uuid

import pytest

import daemon
import databases
from daemon import VERSION, message


@pytest.fixture
def database(tmp_path):
    """None of this depends on the database."""
    return databases.Sqlite(tmp_path)


def test_a_uuid_may_be_written_in_any_notation(rollcall, machine):
    plain = uuid.UUID(machine.uuid)
    notations = [machine.uuid, machine.uuid.upper(), plain.hex, '{%s}' % plain, plain.urn]
    for number, notation in enumerate(notations):
        path = f'/v1/introspection/{notation}'
        assert rollcall.post(path).status_code == 202
        machine.wait('waiting')
        assert rollcall.get(path).json()['uuid'] == machine.uuid
        if number % 2:
            assert rollcall.post(path + '/abort').status_code == 202
            machine.wait('error')
        else:
            answer = rollcall.callback(machine.document, params={'node_uuid': notation})
            assert (answer.status_code, answer.json()) == (200, {'uuid': machine.uuid})
            machine.wait('finished')
            for rest in ('/data', '/data/unprocessed', '/events', '/match'):
                assert rollcall.get(path + rest).status_code == 200
            assert rollcall.post(path + '/data/unprocessed').status_code == 202
            machine.wait('finished')
        assert rollcall.get('/v1/introspection', params={'marker': notation}).json() == {'introspection': []}


def test_a_name_stands_for_its_node_everywhere(rollcall, machines):
    machine = machines(name='rack 1 ü.07')
    path = '/v1/introspection/rack%201%20%C3%BC.07'
    assert rollcall.post(path + '/').status_code == 202
    machine.wait('waiting')
    assert rollcall.post(path + '/abort').status_code == 202
    machine.wait('error')
    machine.introspect()
    assert rollcall.get(path).json()['uuid'] == machine.uuid
    assert rollcall.get(path + '/data').json()['inventory'] == machine.document['inventory']
    assert rollcall.get(path + '/data/unprocessed/').json() == machine.document
    assert rollcall.post(path + '/data/unprocessed').status_code == 202
    machine.wait('finished')


def test_of_a_parameter_that_is_given_twice_the_first_counts(rollcall, machine):
    machine.until_waiting()
    answer = rollcall.get('/v1/introspection?state=waiting&state=odd&limit=0&limit=x&unknown=1')
    assert [entry['uuid'] for entry in answer.json()['introspection']] == [machine.uuid]


@pytest.mark.parametrize('content_type', [None, 'text/plain', 'application/x-www-form-urlencoded'])
def test_the_type_of_a_body_does_not_matter_and_neither_does_its_framing(rollcall, machine, content_type):
    machine.until_waiting()
    body = json.dumps(machine.document).encode()
    parts = (body[at:at + 100] for at in range(0, len(body), 100))
    headers = {'Content-Type': content_type} if content_type else {}
    assert rollcall.post('/v1/continue/', data=parts, headers=headers).status_code == 200  # in chunks
    machine.wait('finished')


def test_answers_are_ascii_and_sorted_and_end_with_a_line(rollcall):
    made = rollcall.post('/v1/rules', json={'description': 'ü', 'actions': [{'action': 'example'}]})
    assert made.headers['Content-Type'] == 'application/json' and made.text.endswith('}\n') and '\\u00fc' in made.text
    assert list(made.json()) == sorted(made.json()) and int(made.headers['Content-Length']) == len(made.content)
    gone = rollcall.call('DELETE', '/v1/rules')
    assert (gone.status_code, gone.content) == (204, b'')
    assert gone.headers['Content-Type'] == 'text/plain; charset=utf-8'
    # No length either: no 204 may have one (RFC 9110, 8.6).
    assert 'Content-Length' not in gone.headers and 'Transfer-Encoding' not in gone.headers


def test_a_rule_is_created_with_200_below_version_1_6(rollcall):
    rule = {'actions': [{'action': 'example'}]}
    for headers, status in [({VERSION: '1.5'}, 200), ({VERSION: '1.6'}, 201), ({VERSION: '1.05'}, 200), ({}, 201),
                            ({'OpenStack-API-Version': 'baremetal-introspection 1.5'}, 200),
                            ({'OpenStack-API-Version': 'baremetal-introspection 1.5', VERSION: 'LATEST'}, 201)]:
        assert rollcall.post('/v1/rules', json=rule, headers=headers).status_code == status, headers


@pytest.fixture
def guarded(tmp_path, database, ironic):
    """A daemon that lets nobody in."""
    (tmp_path / 'users').touch()
    made = daemon.Rollcall(tmp_path, database, ironic.url, {
        'auth_strategy': 'http_basic', 'http_basic_auth_user_file': str(tmp_path / 'users')})
    try:
        yield made.start()
    finally:
        made.close()


def test_what_is_not_there_is_told_to_anybody(guarded):
    assert guarded.get('/v1/introspection').status_code == 401
    for method, path, status in [('GET', '/v1/nothing', 404), ('PUT', '/v1/introspection', 405), ('GET', '/v2', 404),
                                 ('OPTIONS', '/v1/introspection', 200), ('HEAD', '/v1', 200),
                                 ('GET', '/v1/openapi.json', 200)]:
        assert guarded.call(method, path).status_code == status, (method, path)
    answer = guarded.get('/v1/introspection', headers={VERSION: '9.9'})
    assert answer.status_code == 406 and message(answer).endswith('supported range is 1.0 to 1.18')
