//! The lab of twin hosts, and how to reach them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use crate::ansible;
use crate::case::Case;
use crate::collections;
use crate::environment;
use crate::program::{fleet, ran};

/// How many pairs of twins there are: so many cases run at once.
pub const PAIRS: usize = 4;

/// Which program has the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The host that fleet configures.
    Fleet,
    /// The host that Ansible configures.
    Ansible,
}

/// The lab.
pub struct World {
    name: String,
    config: PathBuf,
    free: Mutex<Vec<usize>>,
    returned: Condvar,
}

/// Two hosts that are alike; given back when dropped.
pub struct Pair<'a> {
    world: &'a World,
    number: usize,
}

impl World {
    /// Boots the twins, those of Ansible only if one of these cases must be asked; the error is why it cannot be.
    pub fn boot(cases: &[&Case]) -> Result<Self, String> {
        fleet::lab::can_run()?;
        let ask = cases.iter().any(|case| !ansible::is_answered(case));
        if ask || cases.iter().any(|case| case.python) {
            environment::install(&ansible::environment(), &[], &[])?;
        }
        if cases.iter().any(|case| case.collections) {
            collections::install(&ansible::environment())?;
        }
        for program in cases.iter().flat_map(|case| &case.controller) {
            have(program)?;
        }
        let pairs = PAIRS.min(cases.len());
        let name = format!("oracle{}", std::process::id() % 100_000);
        let hosts: Vec<(Side, usize)> = (0..pairs)
            .flat_map(|number| {
                let ansible = ask.then_some((Side::Ansible, number));
                [(Side::Fleet, number)].into_iter().chain(ansible)
            })
            .collect();
        let names = hosts.iter().map(|(side, number)| host(*side, *number));
        let up = ran(fleet().args(["lab", "run", "--name", &name]).args(names))?;
        let down = |reason: String| {
            let _ = ran(fleet().args(["lab", "down", "--name", &name]));
            reason
        };
        if up.code != 0 {
            return Err(down(format!("`fleet lab run` failed: {}", up.stderr.trim())));
        }
        let lab =
            fleet::lab::open(&name).map_err(|error| error.to_string())?.ok_or("the lab is not there")?;
        let world = Self {
            name: name.clone(),
            config: lab.ssh_config,
            free: Mutex::new((0..pairs).collect()),
            returned: Condvar::new(),
        };
        world.prepare(&hosts).map_err(down)?;
        Ok(world)
    }

    /// Makes the hosts alike: one name, the packages' lists, and what Ansible's `apt` needs.
    fn prepare(&self, hosts: &[(Side, usize)]) -> Result<(), String> {
        const ALIKE: &str = "hostname twin && echo twin >/etc/hostname && echo '127.0.1.1 twin' >>/etc/hosts \
                             && touch /var/lib/apt/lists";
        thread::scope(|scope| {
            let prepared: Vec<_> = hosts
                .iter()
                .map(|(side, number)| {
                    scope.spawn(move || {
                        let packages = match side {
                            Side::Fleet => "apt-get -qq update",
                            // acl: else Ansible cannot hand files to a user that is not root
                            Side::Ansible => "apt-get -qq update && apt-get -qq install -y --no-install-recommends python3-apt acl >/dev/null",
                        };
                        self.ssh(&host(*side, *number), &format!("{ALIKE} && {packages}")).map(drop)
                    })
                })
                .collect();
            prepared
                .into_iter()
                .try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
        })
    }

    /// A pair that no other case uses; waits for one.
    pub fn take(&self) -> Pair<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(number) = free.pop() {
                return Pair { world: self, number };
            }
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes the lab down.
    pub fn down(&self) {
        if let Err(problem) = ran(fleet().args(["lab", "down", "--name", &self.name])) {
            eprintln!("the lab `{}` is still there: {problem}", self.name);
        }
    }

    fn ssh(&self, host: &str, text: &str) -> Result<String, String> {
        let mut command = Command::new("ssh");
        command.arg("-F").arg(&self.config).args(["-l", "root", host, text]);
        let ended = ran(&mut command)?;
        if ended.code != 0 {
            return Err(format!("`{text}` on {host}: {}{}", ended.stdout, ended.stderr));
        }
        Ok(ended.stdout)
    }
}

/// Has a program on this machine, from the package of its name if it is not there.
fn have(name: &str) -> Result<(), String> {
    let is_there = Command::new(name).arg("--version").stdout(std::process::Stdio::null()).status().is_ok();
    if is_there {
        return Ok(());
    }
    let mut install = Command::new("apt-get");
    install
        .args(["-q", "-y", "--no-install-recommends", "install", name])
        .env("DEBIAN_FRONTEND", "noninteractive");
    environment::must(&mut install, &format!("this machine has no `{name}`"))
}

fn host(side: Side, number: usize) -> String {
    match side {
        Side::Fleet => format!("fleet{number}"),
        Side::Ansible => format!("ansible{number}"),
    }
}

impl Pair<'_> {
    /// Runs a text as root on one of the two.
    ///
    /// # Errors
    /// If it does not end with 0.
    pub fn ssh(&self, side: Side, text: &str) -> Result<String, String> {
        self.world.ssh(&host(side, self.number), text)
    }

    /// The inventory for one of the two, under the names that cases use: `twin` and `other` are the same machine.
    ///
    /// # Errors
    /// If the host is not in the lab.
    pub fn inventory(&self, side: Side) -> Result<String, String> {
        let lab = fleet::lab::open(&self.world.name)
            .map_err(|error| error.to_string())?
            .ok_or("there is no lab")?;
        let name = host(side, self.number);
        let found = lab.host(&name).ok_or_else(|| format!("{name} is not in the lab"))?;
        let connection = format!(
            "ansible_host: {}\n    ansible_user: {}\n    ansible_ssh_private_key_file: {}\n    \
             ansible_ssh_common_args: -F /dev/null -o UserKnownHostsFile={} -o IdentityAgent=none\n    \
             ansible_python_interpreter: /usr/bin/python3\n",
            found.address,
            found.user,
            lab.private_key.display(),
            lab.known_hosts.display(),
        );
        Ok(format!(
            "twins:\n  hosts:\n    twin:\n      kind: first\n    other:\n      kind: second\n  vars:\n    {connection}"
        ))
    }

    /// The texts that tell one twin from the other, and what stands for them.
    ///
    /// # Errors
    /// If the host is not in the lab.
    pub fn names(&self, side: Side) -> Result<Vec<(String, &'static str)>, String> {
        let lab = fleet::lab::open(&self.world.name)
            .map_err(|error| error.to_string())?
            .ok_or("there is no lab")?;
        let name = host(side, self.number);
        let found = lab.host(&name).ok_or_else(|| format!("{name} is not in the lab"))?;
        Ok(vec![(found.address.to_string(), "ADDRESS"), (lab.gateway.to_string(), "GATEWAY"), (name, "HOST")])
    }
}

impl Drop for Pair<'_> {
    fn drop(&mut self) {
        self.world.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
        self.world.returned.notify_one();
    }
}
