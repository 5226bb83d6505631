//! The life of one simulated machine: started by an operator, it boots, posts (or does not), and ends.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;

use super::api::{Api, Status};
use super::fleet::Machine;
use super::fleet::fate::Fate;
use super::ramdisk;
use super::watch::Seen;
use crate::fsm::State;

/// What became of a machine.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The machine.
    pub machine: Rc<Machine>,
    /// What the API said of it at last.
    pub status: Option<Status>,
    /// Why it did not end as planned.
    pub surprise: Option<String>,
}

/// How fast the lives go.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// In which time all introspections are started.
    pub starts_within: Duration,
    /// How long a machine may take to post its data.
    pub timeout: Duration,
    /// How long a life may take.
    pub patience: Duration,
}

/// Lives a machine's life to its end, or until the patience is over.
pub async fn live(
    machine: Rc<Machine>,
    api: Rc<Api>,
    mut seen: watch::Receiver<Seen>,
    pace: Pace,
) -> Outcome {
    let course = run(&machine, &api, &mut seen, pace);
    let surprise = match tokio::time::timeout(pace.patience, course).await {
        Ok(course) => course.err(),
        Err(_) => Some("it did not come to an end".to_owned()),
    };
    let status = seen.borrow().get(&machine.uuid).cloned();
    Outcome { machine, status, surprise }
}

async fn run(
    machine: &Machine,
    api: &Api,
    seen: &mut watch::Receiver<Seen>,
    pace: Pace,
) -> Result<(), String> {
    tokio::time::sleep(share(pace.starts_within, machine.starts_permille)).await;
    api.start(machine.uuid).await?;
    until(seen, machine, |state| state == State::Waiting || state.is_terminal()).await?;
    tokio::time::sleep(share(pace.timeout, machine.boots_permille)).await;
    act(machine, api).await?;
    let status = until(seen, machine, State::is_terminal).await?;
    match machine.fate.fits(status.state, status.error.as_deref()) {
        true => Ok(()),
        false => Err(format!("it ended {} {}", status.state, status.error.unwrap_or_default())),
    }
}

fn share(whole: Duration, permille: u32) -> Duration {
    whole.saturating_mul(permille).checked_div(1000).unwrap_or(whole)
}

/// What the machine does when its ramdisk has booted.
async fn act(machine: &Machine, api: &Api) -> Result<(), String> {
    match machine.fate {
        Fate::StaysSilent => Ok(()),
        Fate::IsAborted => api.abort(machine.uuid).await,
        Fate::RamdiskFails | Fate::LacksInterfaces => {
            match api.post_inventory(&ramdisk::document(machine)).await {
                Ok(_) => Err("its data was accepted".to_owned()),
                Err(refusal) if machine.fate.error().is_some_and(|wanted| refusal.contains(wanted)) => Ok(()),
                Err(refusal) => Err(format!("its data was refused: {refusal}")),
            }
        }
        Fate::Succeeds => {
            let posted = api.post_inventory(&ramdisk::document(machine)).await;
            match posted.map_err(|refusal| format!("its data was refused: {refusal}"))? {
                Some(uuid) if uuid == machine.uuid => Ok(()),
                other => Err(format!("its data was taken for that of {other:?}")),
            }
        }
    }
}

/// Waits until the machine is seen in such a state.
async fn until(
    seen: &mut watch::Receiver<Seen>,
    machine: &Machine,
    wanted: impl Fn(State) -> bool,
) -> Result<Status, String> {
    let is_there = |seen: &Seen| seen.get(&machine.uuid).is_some_and(|status| wanted(status.state));
    let seen = seen.wait_for(is_there).await.map_err(|_| "nobody looks any more".to_owned())?;
    seen.get(&machine.uuid).cloned().ok_or_else(|| "it is gone".to_owned())
}
