"""Goes on for ROLLCALL_SOAK_SECONDS: random work on a fleet, with kill -9 and restarts in between.

At any time every accepted start and callback is on record, and at the end every machine can be introspected.
"""

import concurrent.futures
import os
import pathlib
import random
import threading
import time

import pytest
import requests

from test_terminal import Reader

SECONDS = float(os.environ.get('ROLLCALL_SOAK_SECONDS', '60'))
FLEET, WORKERS = 60, 4
GROWTH_MIB = 64

pytestmark = [pytest.mark.soak, pytest.mark.timeout(SECONDS + 300)]


def resident_mib(process):
    """The memory that a process holds."""
    [line] = [line for line in pathlib.Path(f'/proc/{process.pid}/status').read_text().splitlines()
              if line.startswith('VmRSS')]
    return int(line.split()[1]) / 1024


def do_something(machine, dice):
    """One random request that fits the machine's state; what was refused is left to the next round."""
    state = machine.state() if machine.begun else 'finished'
    if state in ('finished', 'error'):
        machine.begun = machine.begin().status_code == 202 or machine.begun
        if machine.begun and state == 'finished' and dice.random() < 0.2:
            machine.reapply()
    elif state == 'waiting':
        act = dice.choice([machine.callback] * 6 + [machine.abort, machine.begin])
        accepted = act().status_code == 200
        machine.posted += accepted and act == machine.callback


def work(fleet, until, seed):
    """Works on a share of the fleet; connections that a crash breaks are nothing special."""
    dice = random.Random(seed)
    while time.monotonic() < until:
        machine = dice.choice(fleet)
        try:
            do_something(machine, dice)
        except (requests.RequestException, AssertionError):
            time.sleep(0.05)


def made(machines):
    fleet = [machines() for _ in range(FLEET)]
    for machine in fleet:
        machine.begun, machine.posted = False, 0
    return fleet


def disturb(rollcall, until, seed):
    """Ends the daemon now and then, mostly without asking, and starts it again."""
    dice = random.Random(seed)
    while time.monotonic() < until:
        time.sleep(dice.uniform(2, 6))
        dice.choice([rollcall.kill, rollcall.kill, rollcall.stop])()
        rollcall.start()


def test_random_work_with_crashes_leaves_a_sound_record(rollcall, machines, database):
    fleet, until, seed = made(machines), time.monotonic() + SECONDS / 2, random.randrange(10 ** 6)
    print('seed', seed)
    with Reader(database) as reader, concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        shares = [pool.submit(work, fleet[n::WORKERS], until, seed + n) for n in range(WORKERS)]
        disturb(rollcall, until, seed)
        for share in shares:
            share.result()
    assert reader.failure is None and reader.found == set()
    assert sum(machine.posted for machine in fleet) > 0, 'nothing was done'
    for machine in fleet:
        if machine.begun:
            machine.wait('waiting', 'finished', 'error', seconds=60)
        machine.introspect()


def test_steady_work_does_not_make_the_memory_grow(rollcall, machines):
    fleet, half = made(machines), SECONDS / 4
    sizes = []
    for _ in range(2):
        until = time.monotonic() + half
        workers = [threading.Thread(target=work, args=(fleet[n::WORKERS], until, n)) for n in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        sizes.append(resident_mib(rollcall.process))
    assert sum(machine.posted for machine in fleet) > 0, 'nothing was done'
    assert sizes[1] - sizes[0] < GROWTH_MIB, f'{sizes[0]:.0f} MiB grew to {sizes[1]:.0f} MiB'
