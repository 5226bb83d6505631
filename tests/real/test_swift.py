"""Introspection data in a real Swift: by itself, and behind a real Keystone."""

import concurrent.futures
import time
import uuid

import pytest

import databases
import daemon
from daemon import wait_for
from machines import Machine, bmc
from real_swift import name

ABSENT = 'Introspection data not found for node'
DOWN = 'Swift failed to create object {} in container {}. Error was: '


@pytest.fixture(params=['tempauth', 'keystone'])
def swift(request):
    """Both ways to prove who we are."""
    made = request.getfixturevalue('real_swift' if request.param == 'tempauth' else 'real_swift_of_keystone')
    yield made
    if 'proxy' not in made.processes:
        made.go_up()


@pytest.fixture
def container():
    """A container of the test's own, which is not there yet."""
    return f'c-{uuid.uuid4().hex[:8]}'


def options_of(request, swift, container):
    mark = request.node.get_closest_marker('configured')
    return daemon.merged(swift.options(container), mark.kwargs if mark else {})


@pytest.fixture
def rollcall(request, tmp_path, database, ironic, swift, container):
    made = daemon.Rollcall(tmp_path, database, ironic.url, options_of(request, swift, container))
    try:
        yield made.start()
    finally:
        made.close()


def only_sqlite(database):
    if not isinstance(database, databases.Sqlite):
        pytest.skip('the database makes no difference here')


def rows(rollcall):
    """Place of the raw and of the processed document of the only node."""
    found = rollcall.database.rows('SELECT processed, place FROM introspection_data')
    return {bool(processed): place for processed, place in found}


def refused(answer, status):
    """The text of a refusal with this status."""
    assert answer.status_code == status, answer.text
    return daemon.message(answer)


@pytest.fixture
def background():
    """Does something beside the test; the outcome is the future's."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield pool.submit


def test_data_goes_to_the_container_and_comes_back(rollcall, machine, swift, container):
    assert swift.ask('HEAD', container).status_code == 404
    machine.introspect()
    raw, processed = machine.raw(), machine.data()
    assert raw.json() == machine.document and processed.json()['cpus'] == 8
    assert swift.ask('GET', container, name(machine.uuid, raw=True)).content == raw.content
    stored = swift.ask('GET', container, name(machine.uuid))
    assert stored.content == processed.content and 'X-Delete-At' not in stored.headers
    assert rows(rollcall) == {False: 'elsewhere', True: 'elsewhere'}
    assert rollcall.database.rows('SELECT count(*) FROM documents WHERE id IN (SELECT document_id FROM introspection_data)') \
        == [(0,)]
    machine.process_again()
    machine.process_again(json=machine.document)
    assert machine.raw().json() == machine.document


def test_data_that_is_absent_is_404_and_so_is_that_of_the_run_before(rollcall, machine, swift, container, database):
    only_sqlite(database)
    machine.until_waiting()
    assert ABSENT in refused(machine.data(), 404)
    rollcall.callback(machine.document)
    machine.wait('finished')
    assert machine.data().status_code == 200
    machine.until_waiting()
    assert ABSENT in refused(machine.raw(), 404)
    assert swift.ask('HEAD', container, name(machine.uuid)).status_code == 200
    machine.abort()
    assert ABSENT in refused(machine.reapply(), 404)
    machine.wait('error')
    assert ABSENT in refused(machine.reapply(), 404)
    machine.introspect()
    assert swift.ask('DELETE', container, name(machine.uuid)).status_code == 204
    assert ABSENT in refused(machine.data(), 404)
    assert machine.raw().status_code == 200


def test_what_the_ancestor_left_there_is_read(rollcall, machine, swift, container, database):
    only_sqlite(database)
    swift.ask('PUT', container)
    swift.ask('PUT', container, name(machine.uuid), data=b'{"of": "old"}')
    assert machine.data().content == b'{"of": "old"}'


@pytest.mark.configured(swift={'delete_after': 3600})
def test_the_end_of_an_object_reaches_swift(rollcall, machine, swift, container, database):
    only_sqlite(database)
    machine.introspect()
    ends = int(swift.ask('HEAD', container, name(machine.uuid)).headers['X-Delete-At'])
    assert abs(ends - time.time() - 3600) < 60


def test_a_token_that_has_ended_is_replaced(rollcall, machine, swift, container, database):
    only_sqlite(database)
    machine.introspect()
    if swift.keystone is None:
        swift.forget_tokens()
    else:
        swift.keystone.revoke_tokens_of('rollcall')
    assert machine.data().status_code == 200
    assert 'Swift does not accept our token' in rollcall.log.read_text()
    machine.introspect()


def test_a_run_without_swift_fails_and_its_data_is_delivered_later(rollcall, machine, swift, container):
    machine.introspect()
    machine.until_waiting()
    swift.go_down()
    answer = machine.callback()
    wanted = DOWN.format(name(machine.uuid, raw=True), container)
    assert wanted in refused(answer, 400)
    assert machine.wait('error')['error'].startswith(wanted)
    # It is readable all the same.
    assert machine.raw().json() == machine.document
    assert rows(rollcall) == {False: 'spooled', True: 'spooled'}
    rollcall.kill()
    rollcall.start()
    swift.go_up()
    wait_for(lambda: rows(rollcall)[False] == 'elsewhere', 'the raw data to be delivered', 30)
    assert swift.ask('GET', container, name(machine.uuid, raw=True)).json() == machine.document
    machine.process_again()
    assert machine.data().json()['cpus'] == 8 and rows(rollcall) == {False: 'elsewhere', True: 'elsewhere'}


def test_swift_stopped_and_started_in_the_middle_of_a_run_fails_nothing_that_it_comes_back_for(
        rollcall, machine, swift, database, background):
    only_sqlite(database)
    machine.until_waiting()
    swift.pause()
    try:
        waiting = background(machine.callback)
        machine.wait('processing')
        assert 'storing the data' in refused(machine.abort(), 409)
        assert machine.raw().json() == machine.document
    finally:
        swift.go_on()
    assert waiting.result(30).status_code == 200
    assert machine.wait('finished')['error'] is None
    assert machine.data().json()['cpus'] == 8


def test_reading_without_swift_is_told_in_the_words_that_clients_know(rollcall, machine, swift, container, database):
    only_sqlite(database)
    machine.introspect()
    before = machine.status()
    swift.go_down()
    wanted = f'Swift failed to get object {name(machine.uuid)} in container {container}. Error was: '
    assert wanted in refused(machine.data(), 400)
    assert 'Swift failed to get object' in refused(machine.reapply(), 400)
    assert machine.status() == before


def test_an_object_that_another_has_changed_is_not_taken_for_the_runs(rollcall, machine, swift, container, database):
    only_sqlite(database)
    machine.introspect()
    swift.ask('PUT', container, name(machine.uuid), data=b'{}')
    assert 'has another document' in refused(machine.data(), 400)


@pytest.mark.configured(clean_up_period=1)
def test_the_objects_go_with_the_record(rollcall, machine, machines, swift, container, ironic):
    other = machines()
    machine.introspect()
    other.introspect()
    swift.go_down()
    gone = ironic.nodes.pop(machine.uuid)
    wait_for(lambda: rollcall.get(machine.path()).status_code == 404, 'the record to go')
    assert ABSENT in refused(machine.data(), 404)
    rollcall.kill()
    rollcall.start()
    swift.go_up()
    wait_for(lambda: not rollcall.database.rows('SELECT * FROM data_removals'), 'the objects to go', 30)
    assert swift.ask('HEAD', container, name(machine.uuid)).status_code == 404
    assert swift.ask('HEAD', container, name(machine.uuid, raw=True)).status_code == 404
    assert swift.ask('HEAD', container, name(other.uuid)).status_code == 200
    # It comes back under the same UUID.
    ironic.nodes[machine.uuid] = gone
    machine.introspect()
    time.sleep(3)
    assert machine.data().status_code == 200


@pytest.mark.configured(clean_up_period=1)
def test_the_objects_go_though_the_node_was_at_work_just_now(rollcall, machine, machines, swift, container, ironic, database):
    only_sqlite(database)
    waiting = machines()
    machines()
    for one in (machine, waiting):
        one.introspect()
    waiting.until_waiting()
    for one in (machine, waiting):
        ironic.nodes.pop(one.uuid)

    def gone():
        return all(swift.ask('HEAD', container, name(one.uuid)).status_code == 404 for one in (machine, waiting))
    wait_for(gone, 'the objects to go', 15)


def test_five_machines_whose_runs_failed_are_delivered_when_swift_is_back(
        rollcall, machines, swift, container, database, background):
    only_sqlite(database)
    all_machines = [machines() for _ in range(5)]
    for machine in all_machines:
        machine.until_waiting()
    swift.go_down()
    waiting = [background(machine.callback) for machine in all_machines]
    assert [answer.result(60).status_code for answer in waiting] == [400] * 5
    swift.go_up()

    def places():
        return {place for (place,) in rollcall.database.rows('SELECT place FROM introspection_data')}
    wait_for(lambda: places() == {'elsewhere'}, 'all to be delivered', 60)
    for machine in all_machines:
        assert swift.ask('GET', container, name(machine.uuid, raw=True)).json() == machine.document


def test_a_discovered_machine_has_its_data_there_too(tmp_path, ironic, real_swift, container):
    options = daemon.merged(real_swift.options(container), {'processing': {'node_not_found_hook': 'enroll'}})
    made = daemon.Rollcall(tmp_path, databases.Sqlite(tmp_path), ironic.url, options)
    try:
        made.start()
        machine = Machine(ironic, made)
        ironic.nodes.pop(machine.uuid)
        for port in [port for port, value in ironic.ports.items() if value['node_uuid'] == machine.uuid]:
            ironic.ports.pop(port)
        answer = machine.callback()
        assert answer.status_code == 200 and bmc(machine.number)
        machine.uuid = answer.json()['uuid']
        machine.wait('finished')
        assert real_swift.ask('GET', container, name(machine.uuid, raw=True)).json() == machine.document
    finally:
        made.close()
