"""What is written down of a node, and the machine that is powered off after its timeout."""

import pytest

from daemon import wait_for


def events(machine):
    answer = machine.rollcall.get(machine.path('events'))
    assert answer.status_code == 200, answer.text
    return answer.json()['events']


def test_a_run_tells_its_steps_who_asked_and_what_was_called(rollcall, machine):
    machine.introspect()
    steps = events(machine)
    assert [step['event'] for step in steps] == ['start', 'wait', 'process', 'plan', 'finish']
    assert [step['to'] for step in steps] == ['starting', 'waiting', 'processing', 'processing', 'finished']
    assert steps[0]['by'].startswith('req-')
    called = {call['name']: call['outcome'] for step in steps for call in step['calls']}
    assert called['rebooting'] == called['patch node'] == called['power off'] == 'ok'
    assert all(step['took_ms'] is None or step['took_ms'] >= 0 for step in steps)


def test_the_history_survives_a_restart_and_shows_earlier_runs(rollcall, machine):
    machine.introspect()
    machine.until_waiting()
    before = events(machine)
    assert len({step['run'] for step in before}) == 2
    rollcall.kill()
    rollcall.start()
    assert events(machine) == before


def test_a_callback_that_comes_after_an_abort_is_refused_and_filed(machine):
    machine.until_waiting()
    assert machine.abort().status_code == 202
    before = machine.wait('error')
    assert machine.callback().status_code == 400
    assert machine.status() == before
    filed = wait_for(lambda: [step for step in events(machine) if step['event'] == 'refused'], 'the entry')
    assert len(filed) == 1 and filed[0]['from'] == filed[0]['to'] == 'error'


def test_a_repeated_callback_is_refused_and_filed(machine):
    machine.introspect()
    before = machine.status()
    for count in (1, 2):
        assert machine.callback().status_code == 400
        wait_for(lambda: [step['event'] for step in events(machine)].count('refused') == count, 'the entry')
    assert machine.status() == before


def test_a_refused_request_of_an_operator_is_filed(machine):
    machine.introspect()
    assert machine.abort().status_code == 409
    wait_for(lambda: 'refused' in [step['event'] for step in events(machine)], 'the entry')


def test_the_status_says_what_is_waited_for(machine):
    status = machine.until_waiting()
    assert status['waiting_for'] and status['last_event'] == 'wait'
    assert status['since'] < status['deadline']
    machine.callback()
    status = machine.wait('finished')
    assert status['waiting_for'] is None and status['deadline'] is None and status['last_event'] == 'finish'


def test_nobody_has_a_history_of_a_stranger(rollcall):
    assert rollcall.get('/v1/introspection/11111111-2222-4333-8444-555555555555/events').status_code == 404


@pytest.mark.configured(timeout=1, timeout_power_off=True)
def test_a_machine_that_timed_out_is_powered_off_where_that_is_asked_for(machine, ironic):
    machine.until_waiting()
    assert machine.node['power_state'] == 'power on'
    assert machine.wait('error')['error'] == 'Introspection timeout'
    wait_for(lambda: machine.node['power_state'] == 'power off', 'the power-off')


@pytest.mark.configured(timeout=1, timeout_power_off=True)
def test_a_power_off_after_a_timeout_survives_a_restart(rollcall, machine, ironic):
    machine.until_waiting()
    with ironic.hold('PUT', '.*/states/power') as held:
        machine.wait('error')
        held.wait()
        rollcall.kill()
        held.end()
    rollcall.start()
    wait_for(lambda: machine.node['power_state'] == 'power off', 'the power-off')


@pytest.mark.configured(timeout=1)
def test_without_that_the_power_is_left_alone(machine, ironic):
    machine.until_waiting()
    machine.wait('error')
    assert ironic.power_targets(machine.uuid) == ['rebooting']
