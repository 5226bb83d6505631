"""The crash matrix: the process is killed at each point of docs/crash-matrix.md and started again.

Only a build with debug assertions has the points.
"""

import pathlib
import re
import signal

import pytest
import requests

from daemon import Rollcall, merged, wait_for
from machines import Machine, bmc, mac

MATRIX = pathlib.Path(__file__).parents[2] / 'docs' / 'crash-matrix.md'
ROWS = re.findall(r'^\| (\w+) \| `([\w.]+)` \| ([\w ]+) \|$', MATRIX.read_text(), re.M)
OPTIONS = {'introspection_delay': 1,
           'processing': {'store_data': 'database', 'add_ports': 'active', 'keep_ports': 'added'}}
MORE = {'timeout': {'timeout': 2}, 'enroll': {'processing': {'node_not_found_hook': 'enroll'}},
        'removal': {'clean_up_period': 1}}
OUTSIDE = ('store', 'delivery', 'removal')


class Scene:
    """One machine on its way through a flow, with every kind of port change before it."""

    def __init__(self, folder, database, ironic, flow):
        options = merged(OPTIONS, MORE.get(flow, {}))
        self.store = folder / 'store'
        if flow in OUTSIDE:
            options = merged(options, {'processing': {'store_data': f'folder:{self.store}'}})
        self.rollcall = Rollcall(folder, database, ironic.url, options)
        self.ironic, self.machine = ironic, None

    def begin(self):
        self.rollcall.start()
        self.machine = Machine(self.ironic, self.rollcall)
        number = self.machine.number
        self.machine.document['inventory']['interfaces'][1]['ipv4_address'] = bmc(number)
        for port in self.ironic.ports.values():
            if port['address'] == self.machine.mac:
                port['pxe_enabled'] = False
        self.ironic.add_port(self.machine.uuid, mac(number, 7))

    def arm(self, point):
        """Starts it again so that it dies at the point."""
        self.rollcall.stop()
        self.rollcall.start(crash_at=point)

    def dies(self, trigger=None):
        """It dies by itself; the one who asked may have had an answer or not."""
        try:
            answer = trigger() if trigger else None
        except requests.RequestException:
            answer = None
        assert self.rollcall.ended(20) == -signal.SIGKILL
        return answer

    def calls(self, target):
        return self.ironic.power_targets(self.machine.uuid).count(target)


@pytest.fixture
def scene(request, tmp_path, database, ironic):
    made = Scene(tmp_path, database, ironic, request.getfixturevalue('flow'))
    try:
        yield made
    finally:
        made.rollcall.close()


def start(scene, point):
    scene.begin()
    scene.arm(point)
    scene.dies(scene.machine.begin)


def callback(scene, point):
    scene.begin()
    scene.machine.until_waiting()
    scene.arm(point)
    return scene.dies(scene.machine.callback)


def refusal(scene, point):
    scene.begin()
    scene.machine.until_waiting()
    scene.arm(point)
    broken = {**scene.machine.document, 'error': 'no disks'}
    scene.dies(lambda: scene.rollcall.callback(broken))


def reapply(scene, point):
    scene.begin()
    scene.machine.introspect()
    scene.arm(point)
    scene.machine.node['properties'].clear()
    scene.dies(scene.machine.reapply)


def abort(scene, point):
    scene.begin()
    scene.machine.until_waiting()
    scene.arm(point)
    scene.dies(scene.machine.abort)


def timeout(scene, point):
    scene.begin()
    scene.machine.until_waiting()
    scene.arm(point)
    scene.dies()


def enroll(scene, point):
    scene.begin()
    # A machine that the node service knows nothing of.
    scene.ironic.nodes.pop(scene.machine.uuid)
    for uuid in [uuid for uuid, port in scene.ironic.ports.items() if port['node_uuid'] == scene.machine.uuid]:
        scene.ironic.ports.pop(uuid)
    scene.arm(point)
    scene.dies(scene.machine.callback)


def store(scene, point):
    return callback(scene, point)


def delivery(scene, point):
    scene.store.write_text('a file is no folder')
    scene.begin()
    scene.machine.until_waiting()
    assert scene.machine.callback().status_code == 400
    scene.machine.wait('error')
    scene.rollcall.stop()
    scene.store.unlink()
    scene.rollcall.spawn(crash_at=point)
    scene.dies()


def removal(scene, point):
    scene.begin()
    scene.machine.introspect()
    assert len(list(scene.store.iterdir())) == 2
    scene.arm(point)
    # An empty list of nodes would not count.
    scene.ironic.add_node()
    scene.ironic.nodes.pop(scene.machine.uuid)
    scene.dies()


def recovery(scene, point):
    callback(scene, 'apply.node_patched')
    scene.rollcall.spawn(crash_at=point)
    scene.dies()


FLOWS = {flow.__name__: flow for flow in (start, callback, refusal, reapply, abort, timeout, enroll,
                                          store, delivery, removal, recovery)}


def discovered(scene):
    """The one node that was made of the machine."""
    [uuid] = scene.ironic.nodes
    scene.machine.uuid = uuid
    return scene.machine


def ended_well_as_discovered(scene):
    status = discovered(scene).wait('finished', 'error')
    assert status['state'] == 'finished' and status['error'] is None, status
    assert scene.machine.raw().json() == scene.machine.document and scene.machine.is_updated()
    assert len(scene.ironic.ports_of(scene.machine.uuid)) == 2


def enrollment_interrupted(scene, _):
    machine = discovered(scene)
    assert 'interrupted while the node was being enrolled' in machine.wait('error')['error']
    assert machine.reapply().status_code == 202
    ended_well_as_discovered(scene)


def untouched(scene, flow):
    if flow == 'enroll':
        # The ramdisk had no answer and posts again: still it is one node.
        assert scene.machine.callback().status_code == 200
        ended_well_as_discovered(scene)
        return
    if flow == 'start':
        assert scene.machine.rollcall.get(scene.machine.path()).status_code == 404
        scene.machine.introspect()
    else:
        assert scene.machine.state() == 'finished'
        assert scene.machine.reapply().status_code == 202
        ended_well(scene)


def ended_well(scene):
    status = scene.machine.wait('finished', 'error')
    assert status['state'] == 'finished' and status['error'] is None
    assert scene.machine.raw().json() == scene.machine.document
    assert scene.machine.data().json()['cpus'] == 8 and scene.machine.is_updated()
    number = scene.machine.number
    ports = scene.ironic.ports_of(scene.machine.uuid)
    assert {port['address']: port['pxe_enabled'] for port in ports} == \
        {mac(number): True, mac(number, 1): False}
    assert scene.machine.node['power_state'] == 'power off'


def interrupted(scene, _):
    reboots = scene.calls('rebooting')
    assert 'interrupted' in scene.machine.wait('error')['error']
    assert scene.calls('rebooting') == reboots <= 1, 'a reboot is not repeated'
    scene.machine.introspect()


def waiting(scene, _):
    assert scene.machine.state() == 'waiting'
    assert scene.machine.callback().status_code == 200
    ended_well(scene)
    assert scene.calls('rebooting') == 1


def finished(scene, flow):
    if flow == 'enroll':
        ended_well_as_discovered(scene)
        return
    ended_well(scene)
    if flow != 'reapply':
        # Whoever posted may ask again, and learns that the data is taken; nothing changes by it.
        before = scene.machine.status()
        assert scene.machine.callback().status_code in (200, 400)
        assert scene.machine.status() == before


def refused(scene, _):
    assert 'no disks' in scene.machine.wait('error')['error']
    assert scene.machine.raw().status_code == 200


def canceled(scene, _):
    assert scene.machine.wait('error')['error'] == 'Canceled by operator'
    assert scene.machine.node['power_state'] == 'power off'


def timed_out(scene, _):
    assert scene.machine.wait('error')['error'] == 'Introspection timeout'
    assert scene.machine.callback().status_code == 400


def delivered(scene, _):
    def is_there():
        places = scene.rollcall.database.rows('SELECT place FROM introspection_data')
        return places == [('elsewhere',)] * 2
    wait_for(is_there, 'the data to be delivered')
    assert 'could not be written' in scene.machine.status()['error']
    assert len(list(scene.store.iterdir())) == 2 and scene.machine.raw().json() == scene.machine.document
    assert scene.machine.reapply().status_code == 202
    scene.machine.wait('finished')


def removed(scene, _):
    assert scene.rollcall.get(scene.machine.path()).status_code == 404
    wait_for(lambda: not scene.rollcall.database.rows('SELECT * FROM data_removals'), 'the data to go')
    assert list(scene.store.iterdir()) == [] and scene.machine.data().status_code == 404


ENDINGS = {ending.__name__: ending
           for ending in (untouched, interrupted, enrollment_interrupted, waiting, finished, refused, canceled, timed_out,
                         delivered, removed)}


def test_the_matrix_has_rows():
    assert len(ROWS) > 40 and {flow for flow, _, _ in ROWS} == FLOWS.keys()


@pytest.mark.parametrize('flow, point, ending', ROWS, ids=[f'{flow}-{point}' for flow, point, _ in ROWS])
def test_a_crash_ends_as_the_matrix_says(scene, flow, point, ending):
    FLOWS[flow](scene, point)
    scene.rollcall.start()
    ENDINGS[ending.replace(' ', '_')](scene, flow)
