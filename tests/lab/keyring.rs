//! `fleet secret` with a real keyring (gnome-keyring on a session bus of its own), with the encrypted file where there is
//! none, and what is said where nobody can be asked.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::world::{Project, Ran, ran};

/// Whether the keyring can be tried here: its packages are installed if they are not there.
///
/// # Errors
/// Why not.
pub fn ready() -> Result<(), String> {
    let there =
        || ["dbus-run-session", "dbus-send", "gnome-keyring-daemon"].iter().all(|program| found(program));
    if there() {
        return Ok(());
    }
    let install = "apt-get -qq update && apt-get -qq install -y --no-install-recommends dbus-daemon dbus-bin gnome-keyring";
    let mut command = Command::new("sh");
    command.args(["-c", install]).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("no shell: {error}"))?;
    if there() {
        return Ok(());
    }
    Err(format!("gnome-keyring cannot be installed: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn found(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|directory| directory.join(program).is_file())
}

/// A command without a terminal, in a home of its own and without a keyring. It is killed where it hangs.
fn away(project: &Project, program: &[&str]) -> Command {
    let mut command = Command::new("setsid");
    command.args(["--wait", "timeout", "--signal=KILL", "120"]).args(program);
    command.env_clear().stdin(Stdio::null()).current_dir(project.path("."));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", project.path("."));
    command.env("NO_COLOR", "1");
    command
}

fn fleet(project: &Project, arguments: &[&str]) -> Command {
    away(project, &[&[env!("CARGO_BIN_EXE_fleet")], arguments].concat())
}

/// Runs it with a text on its standard input.
fn told(command: &mut Command, text: &str) -> Ran {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    ran(command.stdin(std::fs::File::open(file.path()).unwrap()))
}

/// Unlocks a new keyring, uses it, locks it.
const SESSION: &str = r#"
set -e
mkdir -p "$XDG_DATA_HOME/keyrings" "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
printf 'login\n' | gnome-keyring-daemon --daemonize --unlock --components=secrets > /dev/null
names() { dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames; }
until names | grep -q freedesktop.secrets; do sleep 0.05; done
set +e
echo one-pass | "$FLEET" secret set ssh && echo two-pass | "$FLEET" secret set ssh
echo host-pass | "$FLEET" secret set ssh/ada@web1
echo vault-pass | "$FLEET" secret set vault
echo prod-pass | "$FLEET" secret set vault/prod
echo get "$("$FLEET" secret get ssh)" "$("$FLEET" secret get ssh/ada@web1)"
"$FLEET" secret ls
echo 'a: 1' > plain; "$FLEET" vault encrypt -J plain; head -c 14 plain; echo; "$FLEET" vault view plain
"$FLEET" vault encrypt_string --vault-id prod@prompt text | head -2
"$FLEET" secret rm ssh/ada@web1; echo rm $?
"$FLEET" secret rm ssh/ada@web1; echo rm $?
dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
  org.freedesktop.Secret.Service.Lock array:objpath:/org/freedesktop/secrets/collection/login > /dev/null
"$FLEET" secret ls
"$FLEET" secret get ssh; echo locked $?
"$FLEET" vault view plain; echo locked $?
"#;

const SAID: &str = "get two-pass host-pass
ssh\tkeyring
ssh/ada@web1\tkeyring
vault\tkeyring
vault/prod\tkeyring
$ANSIBLE_VAULT
a: 1
!vault |
          $ANSIBLE_VAULT;1.2;AES256;prod
rm 0
rm 1
ssh\tkeyring
vault\tkeyring
vault/prod\tkeyring
locked 1
locked 5
";

pub fn keyring() {
    let project = Project::new(&[("session.sh", SESSION)]);
    let mut command = away(&project, &["dbus-run-session", "--", "sh", "session.sh"]);
    command.env("FLEET", env!("CARGO_BIN_EXE_fleet"));
    command.env("XDG_RUNTIME_DIR", project.path("runtime")).env("XDG_DATA_HOME", project.path("data"));
    let session = ran(&mut command).expect(0);
    assert_eq!(session.stdout, SAID, "{}", session.stderr);
    assert!(session.stderr.contains("no password is kept under `ssh/ada@web1`"), "{}", session.stderr);
    assert!(session.stderr.contains("error: the keyring is locked"), "{}", session.stderr);
    assert!(
        session.stderr.contains("warning: the keyring is locked; no password is taken"),
        "{}",
        session.stderr
    );
    assert!(!project.path(".config/fleet").exists(), "nothing goes to the file");
}

pub fn file() {
    let project =
        Project::new(&[("pw", "the vault password\n"), ("other", "another\n"), ("plain", "a: 1\n")]);
    let secret = |arguments: &[&str]| {
        fleet(&project, &[&["secret"], arguments, &["--vault-password-file", "pw"]].concat())
    };
    let kept = told(&mut secret(&["set", "ssh"]), "ssh-pass\n").expect(0);
    assert!(
        kept.stderr.contains(".config/fleet/secrets.vault` (there is no keyring here"),
        "{}",
        kept.stderr
    );
    told(&mut secret(&["set", "become/web1"]), "become-pass").expect(0);
    told(&mut secret(&["set", "vault/prod"]), "prod-pass\n").expect(0);
    let path = project.path(".config/fleet/secrets.vault");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("$ANSIBLE_VAULT;1.1;AES256\n"), "{text}");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(ran(&mut secret(&["get", "ssh"])).expect(0).stdout, "ssh-pass\n");
    let listed = ran(&mut secret(&["ls"])).expect(0).stdout;
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(names, ["become/web1", "ssh", "vault/prod"]);
    // what the file keeps opens what is encrypted with another id
    project.write("key", "prod-pass\n");
    ran(&mut fleet(&project, &["vault", "encrypt", "--vault-id", "prod@key", "plain"])).expect(0);
    std::fs::remove_file(project.path("key")).unwrap();
    let view =
        ran(&mut fleet(&project, &["vault", "view", "--vault-password-file", "pw", "plain"])).expect(0);
    assert_eq!(view.stdout, "a: 1\n");
    // the environment is asked before it
    let mut command = fleet(&project, &["secret", "get", "ssh"]);
    assert_eq!(ran(command.env("FLEET_VAULT_PASSWORD", "the vault password")).expect(0).stdout, "ssh-pass\n");
    ran(&mut secret(&["rm", "ssh"])).expect(0);
    let gone = ran(&mut secret(&["rm", "ssh"])).expect(1);
    assert!(gone.stderr.contains("no password is kept under `ssh`"), "{}", gone.stderr);
    // the wrong password, none, and the one that would lock itself in
    let wrong = ran(&mut fleet(&project, &["secret", "ls", "--vault-password-file", "other"])).expect(5);
    assert!(wrong.stderr.contains("no vault password that was given decrypts it"), "{}", wrong.stderr);
    let none = ran(&mut fleet(&project, &["secret", "ls"])).expect(5);
    assert!(none.stderr.contains("no vault password is there"), "{}", none.stderr);
    let itself = told(&mut secret(&["set", "vault"]), "x\n").expect(1);
    assert!(itself.stderr.contains("cannot be kept in the file that it encrypts"), "{}", itself.stderr);
    told(&mut secret(&["set", "ssh"]), "\n").expect(5);
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Under cron: nobody is there, nothing is kept. What is missing is said, and nothing hangs.
pub fn nobody() {
    let site = "- hosts: all\n  gather_facts: false\n  tasks: [{ping: }]\n";
    let project = Project::new(&[
        ("site.yml", site),
        ("hosts.yml", "all: {hosts: {web1: {ansible_host: 192.0.2.1}}}\n"),
    ]);
    project.write("secret.yml", "a: 1\n");
    project.write("pw", "the vault password\n");
    ran(&mut fleet(&project, &["vault", "encrypt", "--vault-password-file", "pw", "secret.yml"])).expect(0);
    let apply = |more: &[&str]| {
        ran(&mut fleet(&project, &[&["apply", "site.yml", "-i", "hosts.yml"], more].concat()))
    };
    for (option, asked, way) in [
        (
            "-k",
            "`SSH password`",
            "`FLEET_SSH_PASSWORD`, give `--connection-password-file`, or keep it with `fleet secret set ssh`",
        ),
        ("-K", "`BECOME password`", "`fleet secret set become`"),
        ("-J", "`Vault password`", "`FLEET_VAULT_PASSWORD`, give `--vault-password-file`"),
        ("--vault-id=prod@prompt", "`Vault password (prod)`", "`fleet secret set vault`"),
    ] {
        let run = apply(&[option]).expect(5);
        let text = format!("there is no terminal to ask on ({asked})");
        assert!(run.stderr.contains(&text) && run.stderr.contains(way), "{option}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{option}");
    }
    let run = apply(&["-e", "@secret.yml"]).expect(4);
    assert!(run.stderr.contains("no vault password is there"), "{}", run.stderr);
    let set = ran(&mut fleet(&project, &["secret", "set", "ssh"])).expect(5);
    assert!(set.stderr.contains("the password is empty"), "{}", set.stderr);
    let set = told(&mut fleet(&project, &["secret", "set", "ssh"]), "x\n").expect(5);
    assert!(
        set.stderr.contains("the file is encrypted with the vault password: give it with"),
        "{}",
        set.stderr
    );
}
