//! The lab hosts, each for one target at a time, and what the targets find on them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use crate::environment::{must, scratch};
use crate::package;
use crate::program::{fleet, ran};
use crate::target::{Place, Target};

/// How many hosts there are: so many targets that need one run at once.
pub const HOSTS: usize = 3;

/// The directory of a lab host in which targets run that have their controller there.
pub const INSIDE: &str = "/opt/conformance";

/// A host of the lab as the targets want it: what ansible-test installs for them, or Debian's images have.
const PACKAGES: &str = "acl iptables python3-apt python3-pexpect python3-pip python3-venv";

/// The lab.
pub struct World {
    name: String,
    keep: bool,
    config: PathBuf,
    free: Mutex<Vec<usize>>,
    returned: Condvar,
}

/// A host that no other target uses; given back when dropped.
pub struct Host<'a> {
    world: &'a World,
    number: usize,
}

impl World {
    /// Boots the hosts that these targets need; the error is why it cannot be.
    pub fn boot(targets: &[&Target]) -> Result<Self, String> {
        fleet::lab::can_run()?;
        package::fetch()?;
        let hosts = targets.iter().filter(|target| target.place != Place::Local).count().min(HOSTS);
        let kept = std::env::var("FLEET_CONFORMANCE_LAB").ok();
        let name = kept.clone().unwrap_or_else(|| format!("conform{}", std::process::id() % 100_000));
        let mut world = Self {
            name,
            keep: kept.is_some(),
            config: PathBuf::new(),
            free: Mutex::new((0..hosts).collect()),
            returned: Condvar::new(),
        };
        if hosts == 0 {
            return Ok(world);
        }
        if let Err(problem) = world.up(hosts) {
            world.down();
            return Err(problem);
        }
        Ok(world)
    }

    fn up(&mut self, hosts: usize) -> Result<(), String> {
        let names = (0..hosts).map(host);
        let up = ran(fleet().args(["lab", "run", "--name", &self.name]).args(names))?;
        if up.code != 0 {
            return Err(format!("`fleet lab run` failed: {}", up.stderr.trim()));
        }
        self.config = self.lab()?.ssh_config;
        let world = &*self;
        thread::scope(|scope| {
            let prepared: Vec<_> =
                (0..hosts).map(|number| scope.spawn(move || world.prepare(&host(number)))).collect();
            prepared
                .into_iter()
                .try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
        })
    }

    fn prepare(&self, host: &str) -> Result<(), String> {
        let text = format!(
            "test -e /root/prepared || {{ export DEBIAN_FRONTEND=noninteractive && apt-get -qq update \
             && apt-get -qq install -y --no-install-recommends {PACKAGES} >/dev/null && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && touch /root/prepared; }}"
        );
        self.ssh(host, &text).map(drop)
    }

    fn lab(&self) -> Result<fleet::lab::Lab, String> {
        fleet::lab::open(&self.name).map_err(|error| error.to_string())?.ok_or("there is no lab".to_owned())
    }

    /// A host that no other target uses; waits for one.
    pub fn take(&self) -> Host<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(number) = free.pop() {
                return Host { world: self, number };
            }
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes the lab down, unless it was named to be kept.
    pub fn down(&self) {
        if self.keep {
            return;
        }
        if let Err(problem) = ran(fleet().args(["lab", "down", "--name", &self.name])) {
            eprintln!("the lab `{}` is still there: {problem}", self.name);
        }
    }

    fn ssh(&self, host: &str, text: &str) -> Result<String, String> {
        let ended = ran(&mut self.ssh_command(host, text))?;
        if ended.code != 0 {
            return Err(format!("`{text}` on {host}: {}{}", ended.stdout, ended.stderr));
        }
        Ok(ended.stdout)
    }

    fn ssh_command(&self, host: &str, text: &str) -> Command {
        let mut command = Command::new("ssh");
        command.arg("-F").arg(&self.config).args(["-l", "root", host, text]);
        command
    }
}

fn host(number: usize) -> String {
    format!("target{number}")
}

impl Host<'_> {
    /// A command as root on this host.
    pub fn command(&self, text: &str) -> Command {
        self.world.ssh_command(&host(self.number), text)
    }

    /// The connection variables of `testhost`, as an INI inventory has them.
    ///
    /// # Errors
    /// If the host is not in the lab.
    pub fn testhost(&self) -> Result<String, String> {
        let lab = self.world.lab()?;
        let name = host(self.number);
        let found = lab.host(&name).ok_or_else(|| format!("{name} is not in the lab"))?;
        Ok(format!(
            "ansible_connection=ssh ansible_pipelining=yes ansible_python_interpreter=/usr/bin/python3 \
             ansible_host={} ansible_port={} ansible_user=root ansible_ssh_private_key_file={} \
             ansible_ssh_extra_args=\"-F /dev/null -o UserKnownHostsFile={} -o IdentityAgent=none\"",
            found.address,
            found.port,
            lab.private_key.display(),
            lab.known_hosts.display(),
        ))
    }

    /// Puts a directory of this machine at a place of the host, instead of what is there.
    ///
    /// # Errors
    /// If it cannot be copied.
    pub fn send(&self, local: &Path, remote: &str) -> Result<(), String> {
        let there = format!("rm -rf '{remote}' && mkdir -p '{remote}' && tar -xf - -C '{remote}'");
        let ssh = format!(
            "tar -cf - -C '{}' . | ssh -F '{}' -l root {} \"{there}\"",
            local.display(),
            self.world.config.display(),
            host(self.number)
        );
        must(
            Command::new("bash").args(["-c", &format!("set -o pipefail; {ssh}")]),
            "a directory cannot be sent",
        )
    }

    /// Gives the host what a controller needs: the environment with ansible-core, and the program under test.
    ///
    /// # Errors
    /// If that cannot be.
    pub fn become_controller(&self) -> Result<(), String> {
        let name = host(self.number);
        let version = "python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])'";
        let wheels = package::wheels(self.world.ssh(&name, version)?.trim())?;
        let made = format!("{INSIDE}/environment/complete");
        if self.world.ssh(&name, &format!("test -e {made}")).is_err() {
            self.send(&wheels, &format!("{INSIDE}/wheels"))?;
            let make = format!(
                "rm -rf {INSIDE}/environment && python3 -m venv {INSIDE}/environment \
                 && {INSIDE}/environment/bin/pip install --quiet --no-index --find-links {INSIDE}/wheels \
                 ansible-core {} && {{ {}; }} && touch {made}",
                package::EXTRA.join(" "),
                package::link(&Path::new(INSIDE).join("environment")),
            );
            self.world.ssh(&name, &make)?;
        }
        let program = scratch("oracle-program");
        self.send(&program, &format!("{INSIDE}/program"))
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        self.world.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
        self.world.returned.notify_one();
    }
}
