"""The listener for ramdisks: theirs alone, and the one of the API goes on taking callbacks."""

import pytest
import requests

from daemon import free_port

PORT = free_port()
RAMDISKS = f'http://127.0.0.1:{PORT}'

pytestmark = pytest.mark.configured(callback={'listen_port': PORT})


def test_a_callback_comes_in_on_either_listener(machine):
    machine.introspect()
    machine.until_waiting()
    answer = requests.post(RAMDISKS + '/v1/continue', json=machine.document, timeout=60)
    assert answer.status_code == 200 and answer.json() == {'uuid': machine.uuid}, answer.text
    assert answer.headers['Connection'] == 'close'
    machine.wait('finished')


def test_ramdisks_can_ask_for_nothing_else(machine):
    machine.until_waiting()
    assert requests.get(RAMDISKS + '/', timeout=10).status_code == 200
    for path in ('/v1', '/v1/introspection', machine.path(), '/v1/rules', '/healthcheck'):
        assert requests.get(RAMDISKS + path, timeout=10).status_code == 404
    assert requests.post(RAMDISKS + machine.path('abort'), timeout=10).status_code == 404
    assert machine.state() == 'waiting'
