"""Several instances on one PostgreSQL database: any of them answers, one leads, none is missed."""

import collections
import concurrent.futures
import random
import signal
import time

import pytest
import requests

import daemon
import databases
from daemon import run, wait_for
from machines import Machine

pytestmark = [pytest.mark.alone, pytest.mark.skipif(not databases.POSTGRES, reason='no PostgreSQL cluster')]

NAMES = ('one', 'two', 'three')
FLEET, WORKERS = 600, 24
QUICK = {'ping_interval': 1, 'grace_period': 3, 'claim_interval': 1}
#: The pauses of the ramdisk agent between its attempts, shortened to fit those of the cluster.
PAUSES = (1, 2, 4, 4, 4)


class Site:
    """Instances that share a database and a node service, each of which has its own door there."""

    def __init__(self, folder, database, ironic, timing, **options):
        self.database, self.ironic = database, ironic
        self.instances, self.doors = {}, {}
        for name in NAMES:
            home = folder / name
            home.mkdir()
            self.doors[name] = ironic.open_door()
            self.instances[name] = daemon.Rollcall(
                home, database, f'http://127.0.0.1:{self.doors[name]}', {'cluster': {'name': name, **timing}, **options})
        self.turn = 0

    def start(self):
        for instance in self.instances.values():
            instance.start()
        return self

    def close(self):
        for instance in self.instances.values():
            instance.close()

    def __getitem__(self, name):
        return self.instances[name]

    def next(self):
        """A plain round-robin, which knows nothing of who is up."""
        self.turn += 1
        return self.instances[NAMES[self.turn % len(NAMES)]]

    def ask(self, method, path, **more):
        """Asks whoever's turn it is; nothing where that one is not there."""
        try:
            return requests.request(method, self.next().url + path, timeout=2, **more)
        except requests.RequestException:
            return None

    def insist(self, method, path, passing=(409, 503), **more):
        """Asks one after the other until somebody answers for good."""
        for _ in range(300):
            answer = self.ask(method, path, **more)
            if answer is not None and answer.status_code not in passing:
                return answer
            time.sleep(0.1)
        raise AssertionError(f'nobody answers {method} {path}: {answer and answer.text}')

    def status(self, machine):
        return self.insist('GET', f'/v1/introspection/{machine.uuid}').json()

    def members(self):
        return {one['name']: one for one in self.insist('GET', '/v1/instances').json()['instances']}

    def leader(self):
        return next((name for name, one in self.members().items() if one['leader']), None)


@pytest.fixture
def shared():
    made = databases.Postgres()
    yield made
    made.drop()


@pytest.fixture
def made_site(tmp_path, shared, ironic):
    sites = []

    def make(timing, **options):
        sites.append(Site(tmp_path, shared, ironic, timing, **options))
        return sites[0].start()
    yield make
    for site in sites:
        site.close()


def introspect(site, machine, dice):
    """As operators and a ramdisk do it, against whoever answers; a start that was interrupted is done again."""
    while True:
        answer = site.insist('POST', f'/v1/introspection/{machine.uuid}')
        assert answer.status_code in (202, 400), answer.text  # 400: an answer was lost, it runs
        state = until(site, machine, 'waiting', 'error', 'finished')
        if state['state'] == 'error':
            assert 'was restarted' in state['error'], state
            continue
        state = end(site, machine, abort if dice.random() < 0.1 else post)
        return 'error' if state['error'] == 'Canceled by operator' else state['error'] or 'finished'


def end(site, machine, how):
    """Ends the run; and one that a frozen instance begins when it goes on, although its caller had given up."""
    for _ in range(60):
        how(site, machine)
        for _ in range(20):
            status = site.status(machine)
            if status['state'] in ('error', 'finished'):
                return status
            time.sleep(0.1)
    raise AssertionError(f'{machine.uuid} stays {status}')


def abort(site, machine):
    while site.status(machine)['state'] == 'waiting':
        # 409: another works on it, or the answer of an earlier attempt was lost and it has ended.
        answer = site.insist('POST', f'/v1/introspection/{machine.uuid}/abort', passing=(503,))
        assert answer.status_code in (202, 409), answer.text


def post(site, machine):
    for pause in (*PAUSES, *PAUSES):
        answer = site.ask('POST', '/v1/continue', json=machine.document)
        if answer is not None and answer.status_code in (200, 400, 404):
            # A repeated post whose first answer was lost is refused, when the run is over.
            return
        time.sleep(pause / 2)
    raise AssertionError('the ramdisk gave up')


def until(site, machine, *states):
    for _ in range(600):
        status = site.status(machine)
        if status['state'] in states:
            return status
        time.sleep(0.1)
    raise AssertionError(f'{machine.uuid} stays {status}')


def owned_by(database, name):
    return {row[0] for row in database.rows(f"SELECT uuid FROM nodes WHERE owner = '{name}'")}


def test_every_run_ends_once_whatever_becomes_of_the_instances(made_site, shared, ironic, capsys):
    ironic.latency = 0.02
    site = made_site(QUICK)
    machines = [Machine(ironic, None) for _ in range(FLEET)]
    progress = collections.Counter()

    def work(number, machine):
        outcome = introspect(site, machine, random.Random(number))
        progress[outcome] += 1
        return outcome

    def reached(share):
        wait_for(lambda: sum(progress.values()) >= FLEET * share, f'{share} of the fleet', 200)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        shares = [pool.submit(work, number, machine) for number, machine in enumerate(machines)]
        reached(0.15)
        site['one'].kill()
        reached(0.3)
        site['one'].start()
        reached(0.45)
        site['two'].stop()
        site['two'].start()
        reached(0.6)
        # Slow enough to meet some in the middle.
        ironic.latency = 0.2
        wait_for(lambda: len(owned_by(shared, 'three')) > 3, 'nodes that the third works on')
        site['three'].process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        before, owned = time.time(), owned_by(shared, 'three')
        time.sleep(2 * QUICK['grace_period'])
        taken = owned - owned_by(shared, 'three')
        ironic.latency, woken = 0.02, time.time()
        site['three'].process.send_signal(signal.SIGCONT)
        outcomes = [share.result(240) for share in shares]

    late = writes_of_the_deposed(site, taken, before, woken)
    deadlocks = shared.rows('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')[0][0]
    counted = collections.Counter(outcomes)
    with capsys.disabled():
        print(f'\nfigure: {FLEET} nodes on three instances, one killed, one stopped, one frozen: {dict(counted)}; '
              f'{len(owned)} nodes owned at the freeze, {len(taken)} taken over, {len(late)} calls were past the check; '
              f'deadlocks {deadlocks}')
    assert set(counted) <= {'finished', 'error'}
    assert taken, 'nothing was under way at the freeze'
    each = collections.Counter(call.path.split('/')[3] for call in late)
    assert all(count == 1 for count in each.values()) and all(call.at - woken < 0.5 for call in late), late
    assert deadlocks == 0
    each_run_ended_once(site, shared, machines)


def writes_of_the_deposed(site, taken, before, woken):
    """Calls that change a node, made for what was under way before, by the owner that had lost it meanwhile."""
    calls = [call for call in site.ironic.calls if call.door == site.doors['three'] and call.method != 'GET']
    known = {call.request_id for call in site.ironic.calls if call.door == site.doors['three'] and call.at < before}
    return [call for call in calls if call.at > woken and call.request_id in known
            and any(node in call.path for node in taken)]


def finish(site, machine):
    """A start whose caller had given up on a frozen instance is begun when that one goes on."""
    if until(site, machine, 'waiting', 'error', 'finished')['state'] == 'waiting':
        end(site, machine, post)


def each_run_ended_once(site, database, machines):
    for machine in machines:
        finish(site, machine)
    assert database.rows('SELECT count(*) FROM runs WHERE outcome IS NULL') == [(0,)]
    assert database.rows('SELECT count(*) FROM nodes WHERE owner IS NOT NULL') == [(0,)]
    for machine in machines:
        history = site.insist('GET', f'/v1/introspection/{machine.uuid}/events').json()['events']
        ends = collections.Counter(
            event['run'] for event in history if event['to'] in ('finished', 'error') and event['from'] != event['to'])
        assert ends and set(ends.values()) == {1}, (machine.uuid, history)


def test_a_node_that_another_instance_works_on_is_refused_with_its_owner(made_site, shared, ironic):
    site = made_site(QUICK)
    machine = Machine(ironic, site['one'])
    with ironic.hold('PUT', '.*/states/power') as held:
        assert machine.begin().status_code == 202
        held.wait()
        for method, path in (('POST', machine.path()), ('POST', machine.path('abort')),
                             ('POST', machine.path('data', 'unprocessed'))):
            answer = site['two'].call(method, path)
            assert answer.status_code in (404, 409), answer.text
            if answer.status_code == 409:
                assert 'starting' in answer.text and 'one' in answer.text
        assert site['two'].callback(machine.document).status_code == 409
        held.let_go()
    wait_for(lambda: site['two'].status(machine.uuid)['state'] == 'waiting', 'the reboot')
    assert site['two'].callback(machine.document).status_code == 200
    wait_for(lambda: site['three'].status(machine.uuid)['state'] == 'finished', 'the end')
    # What the third knew of it is not what it goes by.
    assert site['three'].post(machine.path()).status_code == 202


def test_who_was_frozen_in_the_middle_changes_nothing_any_more(made_site, ironic):
    site = made_site(QUICK, processing={'add_ports': 'all'})
    machine = Machine(ironic, site['three'])
    machine.until_waiting()
    with concurrent.futures.ThreadPoolExecutor(1) as pool, ironic.hold('PATCH', '.*', site.doors['three']) as held:
        pool.submit(machine.callback)
        held.wait()
        site['three'].process.send_signal(signal.SIGSTOP)
        assert until(site, machine, 'finished', 'error')['state'] == 'finished', 'another has gone on with it'
        woken = time.time()
        site['three'].process.send_signal(signal.SIGCONT)
        wait_for(lambda: site.members()['three']['alive'], 'its heartbeat')
        # Its call is answered at last; a port would be the next.
        held.let_go()
    time.sleep(1)
    calls = [call for call in ironic.calls if call.door == site.doors['three'] and call.at > woken]
    assert [call for call in calls if call.method != 'GET'] == []
    assert len(ironic.ports_of(machine.uuid)) == 2
    assert 'was changed elsewhere' in site['three'].log.read_text()


def test_rules_are_known_to_all_at_once(made_site, ironic):
    site = made_site(QUICK)
    rule = {'conditions': [], 'actions': [{'action': 'set-attribute', 'path': '/extra/seen', 'value': 'yes'}]}
    machine = Machine(ironic, site['two'])
    assert machine.begin().status_code == 202
    wait_for(lambda: site['three'].status(machine.uuid)['state'] == 'waiting', 'the reboot')
    assert site['one'].post('/v1/rules', json=rule).status_code in (200, 201)
    assert site['three'].callback(machine.document).status_code == 200
    assert wait_for(lambda: ironic.nodes[machine.uuid]['extra'].get('seen'), 'the rule') == 'yes'


def leads(site, *names, within):
    """Waits until one of these leads; answers which, and after how many seconds."""
    began = time.monotonic()
    name = wait_for(lambda: next((one for one in names if one == site.leader()), None), 'a leader', within)
    return name, time.monotonic() - began


def test_leadership_is_handed_on_in_time(made_site, capsys):
    site = made_site({})
    leader, _ = leads(site, *NAMES, within=5)
    site[leader].kill()
    others = [name for name in NAMES if name != leader]
    second, lost = leads(site, *others, within=14)
    site[leader].start()
    site[second].kill()
    site[second].start()
    began = time.monotonic()
    assert leads(site, second, within=3)[0] == second
    same = time.monotonic() - began
    began = time.monotonic()
    site[second].terminate()
    third, ended = leads(site, *(name for name in NAMES if name != second), within=4)
    site[second].ended()
    with capsys.disabled():
        print(f'\nfigure: another leads {lost:.1f} s after the leader was killed, {ended:.1f} s after it was stopped; '
              f'the same one, started again, leads {same:.1f} s after it answers')
    assert third != second and lost < 13 and ended < 3 and same < 1.5
    told = run('cluster', 'status', '--config', site[third].config)
    assert told.returncode == 0, told.stderr
    rows = {line.split('|')[1].strip(): line for line in told.stdout.splitlines() if line.count('|') > 3}
    assert 'leader' in rows[third] and 'stopped' in rows[second]


def test_a_second_process_of_the_same_name_ends_the_first(made_site, tmp_path, shared, ironic):
    site = made_site(QUICK)
    home = tmp_path / 'again'
    home.mkdir()
    again = daemon.Rollcall(home, shared, ironic.url, {'cluster': {'name': 'one', **QUICK}})
    try:
        again.start()
        assert site['one'].process.wait(10) == 1
        assert 'Another process runs as instance one' in site['one'].log.read_text()
    finally:
        again.close()


def test_deadlines_are_kept_by_whoever_leads(made_site, ironic):
    site = made_site(QUICK, timeout=4)
    machines = [Machine(ironic, site[name]) for name in NAMES]
    for machine in machines:
        assert machine.begin().status_code == 202
    site[site.leader()].kill()
    for machine in machines:
        state = until(site, machine, 'error')
        assert state['error'] == 'Introspection timeout' or 'was restarted' in state['error']
