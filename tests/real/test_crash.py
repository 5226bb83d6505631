"""kill -9 at every stage: what was accepted comes to its end after the restart, and nothing is lost."""

import threading

import requests


class Posted(threading.Thread):
    """A ramdisk that posts, and keeps the answer or the failure."""

    def __init__(self, machine):
        super().__init__(daemon=True)
        self.machine, self.answer, self.failure = machine, None, None
        self.start()

    def run(self):
        try:
            self.answer = self.machine.callback()
        except requests.RequestException as failure:
            self.failure = failure


def crash(rollcall, held=None):
    rollcall.kill()
    if held:
        held.end()
    rollcall.start()


def test_a_start_that_was_cut_off_ends_in_an_error_that_says_so(rollcall, machine, ironic):
    with ironic.hold('PUT', '.*/states/power') as held:
        assert machine.begin().status_code == 202
        held.wait()
        assert machine.state() == 'starting'
        crash(rollcall, held)
    status = machine.wait('error')
    assert 'interrupted' in status['error'] and status['finished'] is True
    machine.introspect()


def test_a_waiting_machine_goes_on_waiting(rollcall, machine):
    before = machine.until_waiting()
    for _ in range(2):
        crash(rollcall)
        assert machine.status() == before
    assert machine.callback().status_code == 200
    machine.wait('finished')
    assert machine.raw().json() == machine.document and machine.is_updated()


def test_data_that_was_committed_is_processed_to_the_end(rollcall, machine, ironic):
    machine.until_waiting()
    with ironic.hold('PATCH', '.*') as held:
        posted = Posted(machine)
        held.wait()
        assert machine.state() == 'processing'
        crash(rollcall, held)
    posted.join(20)
    assert posted.failure is not None, 'the ramdisk can not have got an answer'
    status = machine.wait('finished', 'error')
    assert status['state'] == 'finished' and status['error'] is None
    assert machine.raw().json() == machine.document and machine.data().json()['cpus'] == 8
    assert machine.is_updated() and machine.node['power_state'] == 'power off'


def test_a_ramdisk_that_got_no_answer_may_post_again(rollcall, machine, ironic):
    machine.until_waiting()
    with ironic.hold('PATCH', '.*') as held:
        Posted(machine)
        held.wait()
        crash(rollcall, held)
    machine.wait('finished')
    answer = machine.callback()
    assert answer.status_code == 200 and answer.json() == {'uuid': machine.uuid}, answer.text
    assert machine.state() == 'finished'


def test_a_power_off_that_was_cut_off_is_done_again(rollcall, machine, ironic):
    machine.until_waiting()
    with ironic.hold('PUT', '.*/states/power') as held:
        assert machine.callback().status_code == 200
        held.wait()
        assert machine.state() == 'processing'
        crash(rollcall, held)
    assert machine.wait('finished', 'error')['state'] == 'finished'
    assert machine.node['power_state'] == 'power off' and machine.is_updated()


def test_an_abort_that_was_cut_off_still_powers_the_machine_off(rollcall, machine, ironic):
    machine.until_waiting()
    with ironic.hold('PUT', '.*/states/power') as held:
        assert machine.abort().status_code == 202
        held.wait()
        assert machine.state() == 'aborting'
        crash(rollcall, held)
    assert machine.wait('error')['error'] == 'Canceled by operator'
    assert machine.node['power_state'] == 'power off'
    machine.introspect()


def test_a_reapply_that_was_cut_off_is_brought_to_its_end(rollcall, machine, ironic):
    machine.introspect()
    machine.node['properties'].clear()
    with ironic.hold('PATCH', '.*') as held:
        assert machine.reapply().status_code == 202
        held.wait()
        assert machine.state() == 'reapplying'
        crash(rollcall, held)
    status = machine.wait('finished', 'error')
    assert status['state'] == 'finished' and status['error'] is None
    assert machine.is_updated() and machine.raw().json() == machine.document


def test_a_crash_at_every_stage_at_once_loses_nothing(rollcall, machines, ironic):
    """Nodes in all states, one kill -9: each comes to the end that it would have had alone."""
    done, failed, waiting, starting, working, aborting = (machines() for _ in range(6))
    done.introspect()
    failed.until_waiting()
    failed.abort()
    failed.wait('error')
    for machine in (waiting, working, aborting):
        machine.until_waiting()
    ended = [done.status(), failed.status()]
    with ironic.hold('P.*', '.*') as held:
        starting.begin()
        aborting.abort()
        Posted(working)
        starting.wait('starting')
        aborting.wait('aborting')
        working.wait('processing')
        crash(rollcall, held)
    assert [done.status(), failed.status()] == ended
    assert waiting.state() == 'waiting'
    assert 'interrupted' in starting.wait('error')['error']
    assert aborting.wait('error')['error'] == 'Canceled by operator'
    assert working.wait('finished')['error'] is None
    assert done.data().json()['cpus'] == 8 and working.raw().json() == working.document


def test_a_clean_stop_loses_nothing_either(rollcall, machines):
    done, waiting = machines(), machines()
    done.introspect()
    before = [done.status(), waiting.until_waiting()]
    assert rollcall.stop() == 0
    rollcall.start()
    assert [done.status(), waiting.status()] == before
    assert waiting.callback().status_code == 200
    waiting.wait('finished')


def test_crashes_in_quick_succession_do_no_harm(rollcall, machine, ironic):
    machine.until_waiting()
    with ironic.hold('PATCH', '.*') as held:
        Posted(machine)
        held.wait()
        for _ in range(5):
            crash(rollcall)
        held.end()
    assert machine.wait('finished', 'error', seconds=40)['state'] == 'finished'
    assert machine.raw().json() == machine.document
