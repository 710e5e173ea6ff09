//! What a run leaves behind has no secret in it, in no form that programs write it in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;

use crate::world::{Project, Ran, World, fleet, ran};

/// The passwords, with all that has to be quoted somewhere.
const LOGIN: &str = r#"lo gin-pa'ss"w0rd/+&"#;
const BECOME: &str = r#"be come$pa'ss"w0rd/+&"#;
const VAULT: &str = r#"va ult-pa'ss"w0rd/+&"#;

/// Values: inline, in an encrypted file (one of several lines), in an encrypted text, and an answer.
const INLINE: &str = r#"in line$s3cret's "value"/é+&"#;
const WHOLE: &str = r#"who le$s3cret's "value"/+&"#;
const FIRST_LINE: &str = "first line of k3y";
const SECOND_LINE: &str = "second line of k3y";
const TEXT: &str = "a whole encrypted t3xt";
const ANSWER: &str = "an answ3r to a prompt";
/// Looked for because of its variable's name, in spite of its shortness.
const SHORT: &str = "s4lt";

const VALUES: &[&str] = &[INLINE, WHOLE, FIRST_LINE, SECOND_LINE, TEXT, ANSWER];

const SITE: &str = r#"
- hosts: secret1
  gather_facts: true
  vars_files: [whole.yml]
  vars:
    inline: !vault |
INLINE
  vars_prompt:
    - {name: answer, prompt: x, default: "an answ3r to a prompt"}
  tasks:
    - name: copied, so that nobody knows where they are from
      set_fact:
        copies:
          all: ["{{ inline }}", "{{ db_password }}", "{{ tls_key }}", "{{ lookup('file', 'text') }}", "{{ answer }}"]
          short: "{{ short_pin }}"
          odd: {"{{ db_password }}": "{{ 'x' ~ inline ~ 'y' }}"}
    - name: shown
      debug: {msg: "{{ copies }}"}
    - name: shown one by one, {{ copies.all[0] }}
      debug: {msg: "{{ item }}"}
      loop: "{{ copies.all }}"
    - name: in other forms
      debug:
        msg:
          - "{{ copies | to_json }} {{ copies | to_json | to_json }} {{ copies | to_nice_yaml }} {{ copies | string }}"
          - "{{ copies.all | map('urlencode') | list }} {{ copies.all | map('quote') | list }}"
          - "{{ copies.all | map('b64encode') | list }}"
          - "{% for one in copies.all %}{{ ('a' ~ one) | b64encode }} {{ ('ab' ~ one ~ 'z') | b64encode }} {% endfor %}"
    - name: said by the host
      shell: |
        printf '%s\n' "$ALL"; printf '%s' "$ALL" >&2; printf '%s' "$ONE" | base64; printf 'x%s' "$ONE" | base64 -w0
        printf '%q' "$ONE"
      args: {executable: /bin/bash}
      environment: {ALL: "{{ copies.all | join('\n') }}", ONE: "{{ copies.all[1] }}"}
      register: said
    - name: said once more
      debug: {var: said}
    - name: written
      copy: {content: "{{ copies.all | join('\n') }}\n", dest: /root/copied, mode: "0600"}
      become: true
    - name: written from a template
      template: {src: app.j2, dest: /root/rendered, mode: "0600"}
      become: true
    - name: written from an encrypted file
      copy: {src: text, dest: /root/text, mode: "0600"}
      become: true
    - name: a file with a line of it
      lineinfile: {path: /root/lines, line: "password={{ copies.all[1] }}", create: true, mode: "0600"}
      become: true
    - name: failing
      command: cat /root/copied /root/not-there
      become: true
      ignore_errors: true
    - name: failing with its message
      fail: {msg: "it is {{ copies.all[0] }}, {{ copies.all[1] }}"}
      ignore_errors: true
    - name: in a job
      shell: printf '%s\n' "$ALL"; sleep 1
      environment: {ALL: "{{ copies.all | join('\n') }}"}
      async: 60
      poll: 1
      register: job
    - name: in a job of root's
      shell: cat /root/copied
      become: true
      async: 60
      poll: 1
    - name: the connection's own
      debug: {msg: "become with {{ ansible_become_password | default('another') }}"}
    - name: kept for the next run
      set_fact: {kept: "{{ copies.all[0] }}", plain: kept too, cacheable: true}
    - name: the values are right
      assert:
        that:
          - job.stdout == copies.all | join('\n')
          - copies.all[0] == EXPECTED
        quiet: true
"#;

/// Every form in which a text could be found.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let inner = json.trim_matches('"').to_owned();
    let twice = serde_json::Value::from(inner.as_str()).to_string().trim_matches('"').to_owned();
    let url = |keep: &str| -> String {
        let escaped = secret.bytes().map(|byte| match char::from(byte) {
            c if c.is_ascii_alphanumeric() || keep.contains(c) => c.to_string(),
            _ => format!("%{byte:02X}"),
        });
        escaped.collect()
    };
    let mut forms =
        vec![secret.to_owned(), inner, twice, url("-_.~"), url("-_.~/"), url("-_.~").replace("%20", "+")];
    forms.push(secret.replace('\'', r#"'"'"'"#));
    forms.push(secret.replace('\'', r"'\''"));
    for offset in 0..3 {
        let text = [&b"xy"[..offset], secret.as_bytes()].concat();
        let digits = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&text);
        // without the digits that hang on what is around it
        forms.push(digits[[0, 2, 3][offset]..text.len() * 8 / 6].to_owned());
    }
    forms
}

#[track_caller]
fn has_none(what: &str, text: &str, secrets: &[&str]) {
    for secret in secrets {
        for form in forms(secret) {
            let at = text.find(&form).map(|at| {
                let from = text[..at].char_indices().rev().nth(200).map_or(0, |(at, _)| at);
                text[from..].chars().take(500).collect::<String>()
            });
            assert_eq!(at, None, "{what} has `{secret}` as `{form}`");
        }
    }
}

/// The project, with the host ready to be logged in to with a password.
fn project(world: &World) -> Project {
    let (address, _, known_hosts) = world.address("secret1");
    let project = Project::new(&[
        ("vault-password", VAULT),
        ("login-password", LOGIN),
        ("templates/app.j2", "inline={{ inline }}\nwhole={{ db_password }}\n"),
        ("text", TEXT),
    ]);
    let whole = serde_json::json!({
        "db_password": WHOLE, "tls_key": format!("{FIRST_LINE}\n{SECOND_LINE}\n"), "short_pin": SHORT, "port": 5432,
    });
    project.write("whole.yml", &whole.to_string());
    let vault = |arguments: &[&str]| {
        let mut command = fleet();
        command.arg("vault").args(arguments).arg("--vault-password-file").arg(project.path("vault-password"));
        ran(&mut command).expect(0).stdout
    };
    for file in ["whole.yml", "text"] {
        vault(&["encrypt", project.path(file).to_str().unwrap()]);
    }
    let inline = vault(&["encrypt_string", INLINE]);
    let inline = inline.lines().skip(1).fold(String::new(), |text, line| text + "  " + line + "\n");
    let expected = serde_json::Value::from(INLINE).to_string();
    let site = SITE.replace("INLINE\n", &inline).replace("EXPECTED", &expected);
    project.write("site.yml", &site);
    let inventory = format!(
        "secret1 ansible_host={address} ansible_user=ada ansible_become_method=su \
         ansible_ssh_common_args='-o UserKnownHostsFile={}'\n",
        known_hosts.display()
    );
    project.write("hosts.ini", &inventory);
    let config = "[defaults]\nfact_caching = jsonfile\nfact_caching_connection = facts\nlog_path = log\n";
    project.write("ansible.cfg", config);
    let accounts = format!("ada:{LOGIN}\nroot:{BECOME}\n");
    let accounts = base64::engine::general_purpose::STANDARD.encode(accounts);
    world.ssh(
        "secret1",
        &format!(
            "id ada >/dev/null 2>&1 || useradd -m -s /bin/bash ada; echo {accounts} | base64 -d | chpasswd; \
             echo 'PasswordAuthentication yes' > /etc/ssh/sshd_config.d/10-password.conf; systemctl reload ssh; \
             rm -rf /root/copied /root/rendered /root/text /root/lines /root/.ansible_async"
        ),
    );
    project
}

/// Looks at the processes of the controller, those on the host among them, while a run goes on.
struct Watch {
    over: Arc<AtomicBool>,
    seen: std::thread::JoinHandle<BTreeMap<String, String>>,
}

impl Watch {
    fn begin() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&over);
        let seen = std::thread::spawn(move || {
            let mut seen = BTreeMap::new();
            while !flag.load(Ordering::Relaxed) {
                for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                    let bytes = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
                    let own = entry.file_name().to_str() == Some(&*std::process::id().to_string());
                    if !text.is_empty() && !own {
                        seen.insert(text, entry.path().display().to_string());
                    }
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            seen
        });
        Self { over, seen }
    }

    fn end(self) -> String {
        self.over.store(true, Ordering::Relaxed);
        self.seen.join().unwrap().into_keys().collect::<Vec<_>>().join("\n")
    }
}

fn run(project: &Project, program: &Path, arguments: &[&str]) -> (Ran, String) {
    let mut command = std::process::Command::new(program);
    command.env_remove("ANSIBLE_INVENTORY").env("NO_COLOR", "1").env("HOME", project.path("home"));
    command.env("FLEET_BECOME_PASSWORD", BECOME).stdin(std::process::Stdio::null());
    command.args(arguments).args(["-i", "hosts.ini", "--vault-password-file", "vault-password"]);
    command.args(["--connection-password-file", "login-password"]).current_dir(project.path("."));
    let watch = Watch::begin();
    let ran = ran(&mut command);
    let processes = watch.end();
    assert!(processes.contains("fleet-"), "the target was seen: {processes}");
    (ran, processes)
}

/// What is in the directories of jobs, and what else fleet has left on the host.
fn left_on_host(world: &World) -> String {
    world.ssh(
        "secret1",
        "find /root/.ansible_async /home/ada/.ansible_async /var/lib/fleet /home/ada/.cache/fleet /tmp /var/log \
         -type f -size -1000k 2>/dev/null | xargs -r cat; journalctl --no-pager -q 2>/dev/null || true",
    )
}

fn facts(project: &Project) -> String {
    let files = std::fs::read_dir(project.path("facts")).unwrap();
    files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

/// The tests share a host, one after the other.
static HOST: Mutex<()> = Mutex::new(());

pub fn artefacts(world: &World) {
    let _alone = HOST.lock().unwrap_or_else(PoisonError::into_inner);
    let project = project(world);
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_fleet"));
    let passwords = [LOGIN, BECOME, VAULT];
    let password = serde_json::json!({"ansible_become_password": BECOME}).to_string();
    let all: Vec<&str> = VALUES.iter().chain(&passwords).copied().collect();
    for more in [&["--json"][..], &["-vv"], &["--check", "-v"], &["-q"]] {
        let (ran, processes) = run(&project, &binary, &[&["apply", "site.yml"], more].concat());
        if more[0] != "--check" {
            let ran = Ran { code: ran.code, stdout: ran.stdout.clone(), stderr: ran.stderr.clone() };
            ran.expect(0);
        }
        has_none(&format!("standard output with {more:?}"), &ran.stdout, &all);
        has_none(&format!("standard error with {more:?}"), &ran.stderr, &all);
        has_none("a process", &processes, &passwords);
        assert!(!ran.stdout.contains(SHORT) && !ran.stderr.contains(SHORT), "{}{}", ran.stdout, ran.stderr);
        // from here on it is a variable that everybody can show
        project.write("host_vars/secret1.yml", &password);
        if more[0] == "--json" {
            assert!(ran.stdout.matches("‹secret›").count() > 20, "secrets are masked: {}", ran.stdout);
            assert_eq!(ran.events().last().unwrap()["event"], "run_finished");
            assert!(ran.stdout.contains("\"tainted\":true"), "what a secret went into is hidden");
        }
    }
    has_none("the fact cache", &facts(&project), &all);
    assert!(facts(&project).contains("kept too"), "{}", facts(&project));
    has_none("the host", &left_on_host(world), &all);
    assert!(world.ssh("secret1", "cat /root/copied").contains(WHOLE), "the host itself has them");
    // other commands that show something
    for arguments in [
        &["explain", "db_password", "--host", "secret1"][..],
        &["explain", "inline", "--host", "secret1"],
        &["explain", "short_pin", "--host", "secret1"],
        &["check-project", "."],
        &["apply", "site.yml", "--list-tasks"],
    ] {
        let mut command = fleet();
        command.args(arguments).current_dir(project.path("."));
        if arguments[0] != "check-project" {
            command.args(["-i", "hosts.ini"]);
        }
        let ran = ran(command.args(["--vault-password-file", "vault-password"]));
        has_none(&format!("{arguments:?}"), &format!("{}{}", ran.stdout, ran.stderr), &all);
        assert!(!ran.stdout.contains(SHORT), "{}", ran.stdout);
    }
}

pub fn ansible(world: &World) {
    let _alone = HOST.lock().unwrap_or_else(PoisonError::into_inner);
    let project = project(world);
    let binary = project.path("ansible-playbook");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_fleet"), &binary).unwrap();
    let passwords = [LOGIN, BECOME, VAULT];
    let password = serde_json::json!({"ansible_become_password": BECOME}).to_string();
    project.write("host_vars/secret1.yml", &password);
    let (ran, processes) = run(&project, &binary, &["site.yml", "--diff", "-vv"]);
    let ran = ran.expect(0);
    let log = std::fs::read_to_string(project.path("log")).unwrap();
    for (what, text) in [("standard output", &ran.stdout), ("standard error", &ran.stderr), ("the log", &log)]
    {
        has_none(what, text, &passwords);
    }
    has_none("a process", &processes, &passwords);
    has_none("the host", &left_on_host(world), &passwords);
    // as Ansible shows them
    for shown in [&ran.stdout, &log] {
        assert!(shown.contains("become with ‹secret›"), "{shown}");
        assert!(shown.contains(FIRST_LINE) && shown.contains("+inline=in line$s3cret's"), "{shown}");
    }
}
