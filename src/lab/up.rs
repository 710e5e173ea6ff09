//! Boots what is missing of a lab.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Instant;

use super::apt::Access;
use super::base;
use super::down;
use super::error::{LabError, Result};
use super::host::{self, Common};
use super::lock::Lock;
use super::network::{self, Relay};
use super::permission::can_run;
use super::processes;
use super::release::Release;
use super::resolver::Resolver;
use super::settings;
use super::state::{HostState, LabDirectory, Labs, State, replace};
use super::subnet;
use super::tools;
use super::{LOGIN_USER, Lab, LabOptions, Progress, names};

/// Boots the hosts of these names in the lab, as far as they do not run, and returns when the sshd of each answers.
/// Hosts that the lab has already are kept. Called again after a failure or a crash, it goes on where that stopped.
///
/// # Errors
/// If the lab cannot run here ([`can_run`]), a package or the base cannot be had, or a host does not answer: the
/// error names the host and its log. What was booted stays, for a look at it; [`down`](super::down) takes it away.
pub fn up(options: &LabOptions, hosts: &[String], progress: &mut dyn FnMut(Progress)) -> Result<Lab> {
    let LabOptions { name, release, boot_timeout, supervisor } = options;
    names::check_lab(name)?;
    hosts.iter().try_for_each(|host| names::check_host(host))?;
    can_run().map_err(|reason| LabError::new(format!("the lab cannot run here: {reason}")))?;
    let supervisor = match supervisor {
        Some(supervisor) => supervisor.clone(),
        None => own_program()?,
    };
    let labs = Labs::of_this_machine();
    base::make_cache()?;
    labs.make()?;
    tools::ensure(&base::cache().join("apt-get.log"), progress)?;

    let lock = Lock::take(&labs.lab_lock(name), &mut || {
        progress(Progress::Waiting { what: format!("another fleet, which changes the lab `{name}`") });
    })?;
    let directory = labs.lab(name);
    let resolver = Resolver::of_this_machine();
    let state = match plan(&labs, &directory, name, *release, hosts, &resolver, progress) {
        Ok(state) => state,
        Err(error) => {
            // Nothing was begun: not even the lock's file shall stay.
            if !directory.path().exists() {
                lock.remove();
                labs.remove_if_empty();
            }
            return Err(error);
        }
    };

    let access = Access::of_this_machine(state.gateway());
    let relays: Vec<Relay> = access.relays.iter().copied().chain(resolver.relay()).collect();
    {
        let _machine = Lock::take(&labs.machine_lock(), &mut || {})?;
        settings::raise(&labs.settings())?;
        network::set_up(&state, &relays)?;
    }
    let key = directory.private_key();
    let public = PathBuf::from(format!("{}.pub", key.display()));
    if !public.exists() {
        host::make_key(&key, &format!("the fleet lab {name}"))?;
    }
    let authorized_key = fs::read_to_string(&public)
        .map_err(LabError::because(format!("cannot read `{}`", public.display())))?;
    let common = Common {
        state: &state,
        directory: &directory,
        access: &access,
        resolver: &resolver,
        mtu: network::outer_mtu(),
        authorized_key: &authorized_key,
        supervisor: &supervisor,
        boot_timeout: *boot_timeout,
    };
    let booted = boot(&common, hosts, progress);
    let lab = Lab::of(&state, &directory);
    // Those that did boot can be looked at, whatever became of the others.
    write_ssh_files(&lab, &directory)?;
    booted?;
    warn(&lab, progress);
    Ok(lab)
}

/// This process's program, to start supervisors with.
fn own_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(LabError::because("cannot find the program that runs"))
}

/// Writes down what the lab will be, before anything of it is made.
fn plan(
    labs: &Labs,
    directory: &LabDirectory,
    name: &str,
    release: Release,
    hosts: &[String],
    resolver: &Resolver,
    progress: &mut dyn FnMut(Progress),
) -> Result<State> {
    let known = State::read(directory)?;
    let mut state = match known {
        Some(state) => {
            check_known(&state, release)?;
            state
        }
        None => {
            // What an earlier lab of this name left without a record.
            down::sweep_unknown(labs, name)?;
            network::check_bridge_is_free(name)?;
            let base = base::ensure(release, &labs.states(), progress)?;
            let _machine = Lock::take(&labs.machine_lock(), &mut || {})?;
            let network = network::choose(&labs.states(), resolver.servers())?;
            let state = State::new(name, release, base.root.clone(), network);
            // The base's lock is held until the lab is known to lie on it.
            state.write(directory)?;
            state
        }
    };
    for host in hosts {
        if state.hosts.iter().any(|known| known.name == *host) {
            continue;
        }
        let used: Vec<_> = state.hosts.iter().map(|known| known.address).collect();
        let address = subnet::next_address(state.network, &used)
            .ok_or_else(|| LabError::new(format!("a lab has at most {} hosts", subnet::MOST_HOSTS)))?;
        state.hosts.push(HostState { name: host.clone(), address });
    }
    state.write(directory)?;
    Ok(state)
}

fn check_known(state: &State, release: Release) -> Result<()> {
    let State { name, release: known, base, .. } = state;
    let hint = format!("`fleet lab down --name {name}` takes the lab away");
    if *known != release {
        return Err(
            LabError::new(format!("the lab `{name}` is made of {known}, not of {release}")).with_hint(hint)
        );
    }
    if !base.is_dir() {
        return Err(LabError::new(format!("the base `{}` of the lab `{name}` is gone", base.display()))
            .with_hint(hint));
    }
    Ok(())
}

/// Boots all hosts that do not run at once, and brings the names that the others know up to date.
fn boot(common: &Common<'_>, wanted: &[String], progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let Common { state, directory, .. } = common;
    let is_up = |host: &&HostState| processes::is_up(directory.host(&host.name).path());
    let (running, stopped): (Vec<&HostState>, Vec<&HostState>) = state.hosts.iter().partition(is_up);
    for host in &running {
        host::write_hosts(directory, state, host).map_err(|error| error.on_host(&host.name))?;
    }
    let is_wanted = |host: &&HostState| wanted.contains(&host.name);
    let start = Instant::now();
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        // One that runs may have been started by a fleet that was killed while it waited.
        for host in running.into_iter().filter(is_wanted) {
            let sender = sender.clone();
            scope.spawn(move || {
                let result = host::wait_for_running(common, host);
                let _ = sender.send((host, false, result));
            });
        }
        for host in stopped.into_iter().filter(is_wanted) {
            progress(Progress::Booting { host: host.name.clone() });
            let sender = sender.clone();
            scope.spawn(move || {
                let result = host::boot(common, host);
                // The receiver outlives all senders.
                let _ = sender.send((host, true, result));
            });
        }
        drop(sender);
        let mut errors = Vec::new();
        for (host, booted, result) in receiver {
            match result {
                Ok(()) if !booted => {}
                Ok(()) => progress(Progress::Up {
                    host: host.name.clone(),
                    address: host.address,
                    elapsed: start.elapsed(),
                }),
                Err(error) => errors.push(error.on_host(&host.name)),
            }
        }
        LabError::all(errors).map_or(Ok(()), Err)
    })
}

/// The files that OpenSSH needs to reach the hosts.
fn write_ssh_files(lab: &Lab, directory: &LabDirectory) -> Result<()> {
    let known: Vec<String> = lab
        .hosts
        .iter()
        .filter(|host| !host.host_key.is_empty())
        .map(|host| format!("{},{} {}\n", host.name, host.address, host.host_key))
        .collect();
    replace(&directory.known_hosts(), known.concat().as_bytes())?;
    replace(&directory.ssh_config(), ssh_config(lab).as_bytes())
}

fn ssh_config(lab: &Lab) -> String {
    let hosts: Vec<String> = lab
        .hosts
        .iter()
        .map(|host| {
            format!(
                "Host {0}\n  HostName {1}\n  Port {2}\n  HostKeyAlias {0}\n\n",
                host.name, host.address, host.port
            )
        })
        .collect();
    format!(
        "{}Host *\n  User {LOGIN_USER}\n  IdentityFile {}\n  IdentitiesOnly yes\n  IdentityAgent none\n  \
         UserKnownHostsFile {}\n  GlobalKnownHostsFile none\n  StrictHostKeyChecking yes\n",
        hosts.concat(),
        lab.private_key.display(),
        lab.known_hosts.display()
    )
}

fn warn(lab: &Lab, progress: &mut dyn FnMut(Progress)) {
    let chains = network::dropping_chains();
    if chains.is_empty() {
        return;
    }
    let bridge = &lab.bridge;
    progress(Progress::Warning {
        message: format!(
            "this machine's firewall drops what it forwards ({}), so the hosts may not reach the outside, nor one \
             another; if so: `iptables -I FORWARD -i {bridge} -j ACCEPT; iptables -I FORWARD -o {bridge} -j ACCEPT`",
            chains.join(", ")
        ),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_lab_keeps_its_release_and_needs_its_base() {
        let base = tempfile::tempdir().unwrap();
        let mut state =
            State::new("fleet", Release::Bookworm, base.path().to_path_buf(), Ipv4Addr::new(10, 99, 0, 0));
        assert!(check_known(&state, Release::Bookworm).is_ok());
        let error = check_known(&state, Release::Trixie).unwrap_err();
        assert!(error.to_string().contains("made of bookworm, not of trixie"));
        state.base = base.path().join("gone");
        assert!(check_known(&state, Release::Bookworm).unwrap_err().hint().unwrap().contains("down"));
    }

    #[test]
    fn ssh_is_strict_and_uses_the_labs_key_alone() {
        let directory = Labs::of_this_machine().lab("fleet");
        let mut state = State::new("fleet", Release::Bookworm, "/base".into(), Ipv4Addr::new(10, 99, 0, 0));
        state.hosts.push(HostState { name: "web1".into(), address: Ipv4Addr::new(10, 99, 0, 10) });
        let text = ssh_config(&Lab::of(&state, &directory));
        assert!(text.starts_with("Host web1\n  HostName 10.99.0.10\n  Port 22\n  HostKeyAlias web1\n"));
        assert!(text.contains("  StrictHostKeyChecking yes\n") && text.contains("  IdentitiesOnly yes\n"));
    }

    #[test]
    fn bad_names_are_refused_before_anything_is_done() {
        let options = LabOptions { name: "../x".into(), ..LabOptions::default() };
        let mut seen = Vec::new();
        assert!(up(&options, &[], &mut |step| seen.push(step)).is_err());
        let error = up(&LabOptions::default(), &["a/b".into()], &mut |step| seen.push(step)).unwrap_err();
        assert!(error.to_string().contains("`a/b`"));
        assert!(seen.is_empty());
    }
}
