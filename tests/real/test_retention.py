"""What is over is kept as long as the configuration says."""

import pytest

from daemon import wait_for


def runs(rollcall):
    [(number,)] = rollcall.database.rows("SELECT count(*) FROM runs")
    return number


@pytest.mark.configured(clean_up_period=1, node_status_keep_time=2)
def test_a_record_goes_with_its_data_when_it_was_kept_long_enough(rollcall, machine, machines):
    other = machines()
    machine.introspect()
    assert machine.data().status_code == 200
    other.until_waiting()
    wait_for(lambda: rollcall.get(machine.path()).status_code == 404, 'the record to go', 10)
    assert machine.data().status_code == 404
    assert rollcall.get(machine.path('events')).status_code == 200
    assert other.state() == 'waiting'
    machine.introspect()


@pytest.mark.configured(clean_up_period=1, history_keep_time=2)
def test_runs_leave_the_history_but_the_last_of_a_record_stays(rollcall, machine):
    machine.introspect()
    machine.introspect()
    assert runs(rollcall) == 2
    wait_for(lambda: runs(rollcall) == 1, 'the first run to go', 10)
    assert machine.state() == 'finished'
    assert rollcall.get(machine.path('events')).json()['events'][-1]['event'] == 'finish'


@pytest.mark.configured(clean_up_period=0, node_status_keep_time=1)
def test_without_a_period_nothing_is_removed(rollcall, machine):
    machine.introspect()
    warned = [line for line in rollcall.log.read_text().splitlines() if 'node_status_keep_time' in line]
    assert len(warned) == 1 and 'has no effect' in warned[0]
