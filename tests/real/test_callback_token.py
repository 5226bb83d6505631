"""The one-time token of a run: made at the start, told to whom started it, needed by the callback."""

import hashlib

import pytest

from daemon import message

pytestmark = pytest.mark.configured(callback={'require_token': True})


def start(machine):
    """A waiting run; its token."""
    answer = machine.begin()
    assert answer.status_code == 202, answer.text
    machine.wait('waiting')
    return answer.json()['callback_token']


def post(machine, token=None):
    return machine.rollcall.post('/v1/continue', json=machine.document, params={'token': token} if token else None)


def test_data_is_taken_with_the_token_of_the_run_only(rollcall, machine, machines):
    other = machines()
    token, strange = start(machine), start(other)
    for wrong in (None, strange, token[:-1], ''):
        answer = post(machine, wrong)
        assert answer.status_code == 403 and 'token' in message(answer)
        assert machine.state() == 'waiting'
    assert post(machine, token).status_code == 200
    machine.wait('finished')
    assert post(machine, token).status_code == 400, 'it counts once'
    assert other.state() == 'waiting'


def test_only_a_digest_is_kept_and_nothing_is_logged(rollcall, machine):
    token = start(machine)
    [(digest,)] = rollcall.database.rows(f"SELECT token_digest FROM nodes WHERE uuid = '{machine.uuid}'")
    assert digest == hashlib.sha256(token.encode()).hexdigest()
    post(machine, token)
    machine.wait('finished')
    assert rollcall.database.rows('SELECT token_digest FROM nodes') == [(None,)]
    log = rollcall.log.read_text()
    assert token not in log and digest not in log


def test_a_lost_token_can_be_made_anew_and_survives_a_restart(rollcall, machine):
    old = start(machine)
    answer = rollcall.post(machine.path('callback-token'))
    assert answer.status_code == 200, answer.text
    new = answer.json()['callback_token']
    rollcall.kill()
    rollcall.start()
    assert post(machine, old).status_code == 403
    assert post(machine, new).status_code == 200
    machine.wait('finished')
    assert rollcall.post(machine.path('callback-token')).status_code == 409


@pytest.mark.configured(callback={'require_token': False})
def test_without_the_option_there_is_no_token(rollcall, machine):
    answer = machine.begin()
    assert (answer.status_code, answer.json()) == (202, {})
    machine.wait('waiting')
    assert rollcall.post(machine.path('callback-token')).status_code == 400
    assert post(machine).status_code == 200
