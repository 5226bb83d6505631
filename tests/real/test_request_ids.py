"""The id of a request: on its answer, in every line of the log that it causes, and in the calls that are made for it."""

import re

from daemon import wait_for

NAME = 'X-OpenStack-Request-ID'


def lines_about(rollcall, text):
    """What the log says with this text."""
    return [line for line in rollcall.log.read_text().splitlines() if text in line]


def ids(lines):
    return [re.search(r' request_id=(\S+)$', line).group(1) if 'request_id=' in line else None for line in lines]


def test_every_line_of_a_run_names_the_request_that_caused_it(rollcall, machine, ironic):
    start, post = {NAME: 'req-the-start'}, {NAME: 'req-the-post'}
    assert rollcall.post(machine.path(), headers=start).headers[NAME] == 'req-the-start'
    machine.wait('waiting')
    with ironic.fail('PUT', f'.*/{machine.uuid}/states/power', times=1):
        assert rollcall.callback(machine.document, headers=post).headers[NAME] == 'req-the-post'
        machine.wait('finished')
    told = [line for line in lines_about(rollcall, machine.uuid) if ' method=GET ' not in line]
    assert {'The node is ' + state for state in ('starting', 'waiting', 'processing', 'finished')} <= {
        re.search('The node is [a-z]+', line).group() for line in told if 'The node is ' in line}
    # What was tried again beside the mailbox, after the answer, is among them.
    assert any('states/power' in line and line.endswith('req-the-post') for line in told), told
    found = ids(told)
    at = found.index('req-the-post')
    assert set(found[:at]) == {'req-the-start'} and set(found[at:]) == {'req-the-post'}, told


def test_the_calls_of_a_run_carry_its_request(rollcall, machine, ironic):
    rollcall.post(machine.path(), headers={NAME: 'req-the-start'})
    machine.wait('waiting')
    rollcall.callback(machine.document, headers={NAME: 'req-the-post'})
    machine.wait('finished')
    calls = [call for call in ironic.calls_of(machine.uuid)]
    assert {call.request_id for call in calls} == {'req-the-start', 'req-the-post'}
    powers = [(call.body['target'], call.request_id) for call in calls if call.path.endswith('/states/power')]
    assert powers == [('rebooting', 'req-the-start'), ('power off', 'req-the-post')]


def test_work_that_a_crash_interrupted_goes_on_under_its_request(rollcall, machine, ironic):
    machine.until_waiting()
    with ironic.hold('PUT', f'.*/{machine.uuid}/states/power') as held:
        rollcall.callback(machine.document, headers={NAME: 'req-the-post'})
        held.wait()
        rollcall.kill()
        held.end()
    rollcall.start()
    machine.wait('finished')
    last = wait_for(lambda: lines_about(rollcall, 'The node is finished'), 'the line of the end')
    assert ids(last) == ['req-the-post']


def test_no_line_is_of_a_clients_making(rollcall):
    rollcall.get('/v1/introspection?limit=1%0A[2026-01-01T00:00:00Z%20ERROR%20x]%20forged')
    [line] = lines_about(rollcall, 'forged') or ['']
    assert line == '' or line.startswith('[') and 'method=GET' in line
