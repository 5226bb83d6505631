//! Who we are to the servers that designs are read from.
//!
//! Invariant: a password or a token goes to hosts that the configuration names, and to no others: a reference is the
//! choice of whoever asks. Neither is in any text.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::reference::Reference;
use crate::config;
use crate::error::{Error, Result};
use crate::openstack::{Lookup, Proof, Tls};

/// How we prove who we are, host by host.
#[derive(Clone, Debug)]
pub struct Credentials {
    basic: BTreeMap<String, Proof>,
    token: Proof,
    token_hosts: Vec<String>,
    /// Whom we believe.
    pub(super) tls: Tls,
}

impl Credentials {
    /// As `[design]` has them. It waits for the disk.
    ///
    /// # Errors
    /// What can not be used of the options.
    pub fn from_config(design: &config::Design) -> Result<Self> {
        let tls =
            Tls::from_config(&design.auth).map_err(|wrong| Error::bad_request(format!("[design]{wrong}")))?;
        let timeout = Duration::from_secs(design.timeout);
        let proof = |auth: &config::Auth| Proof::from_config(auth, Lookup::default(), &tls, timeout);
        let mut basic = BTreeMap::new();
        for (host, pair) in &design.credentials {
            let (user, password) = pair.expose().split_once(':').unwrap_or((pair.expose(), ""));
            let auth = config::Auth {
                auth_type: config::AuthType::HttpBasic,
                username: Some(user.to_owned()),
                password: Some(config::Secret::new(password)),
                ..config::Auth::default()
            };
            basic.insert(host.to_lowercase(), proof(&auth)?);
        }
        let token_hosts = design.token_hosts.iter().map(|host| host.to_lowercase()).collect();
        Ok(Self { basic, token: proof(&design.auth)?, token_hosts, tls })
    }

    /// What a request for a reference carries.
    ///
    /// # Errors
    /// Where a token would go to a host that is not to have one.
    pub(super) fn of(&self, reference: &Reference) -> Result<&Proof, String> {
        match reference {
            Reference::File(_) => Ok(&Proof::None),
            Reference::Web(url) => {
                let known = places(url).into_iter().find_map(|place| self.basic.get(&place));
                Ok(known.unwrap_or(&Proof::None))
            }
            Reference::Service { url, .. } => {
                let [place, host] = places(url);
                if self.token_hosts.contains(&place) || self.token_hosts.contains(&host) {
                    return Ok(&self.token);
                }
                Err(format!("no token may be sent to {place}: [design]token_hosts does not have it"))
            }
        }
    }
}

/// A host with its port, and alone.
fn places(url: &Url) -> [String; 2] {
    let host = url.host_str().unwrap_or_default().to_lowercase();
    let port = url.port_or_known_default().unwrap_or_default();
    [format!("{host}:{port}"), host]
}
