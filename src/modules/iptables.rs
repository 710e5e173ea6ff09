//! Keeps a rule, a chain or a policy of the kernel's packet filter.
//!
//! ```yaml
//! - name: The web server is reached
//!   ansible.builtin.iptables:
//!     chain: INPUT
//!     protocol: tcp
//!     destination_ports: ["80", "443"]
//!     jump: ACCEPT
//! ```

mod rule;

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::Rule;
use super::run;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Command, CommandOutput, Effect, Failure, Observation, Query};
use crate::{choices, params};

/// As `ansible.builtin.iptables`.
pub struct Iptables;

choices! {
    /// Tables.
    pub enum Table { Filter = "filter", Mangle = "mangle", Nat = "nat", Raw = "raw", Security = "security" }
}

choices! {
    /// Whether it shall be there.
    pub enum RuleState { Absent = "absent", Present = "present" }
}

choices! {
    /// Where a new rule goes.
    pub enum Place { Append = "append", Insert = "insert" }
}

choices! {
    /// Which of the filters.
    pub enum Version { Both = "both", Four = "ipv4", Six = "ipv6" }
}

choices! {
    /// Whether a packet begins a connection.
    pub enum Syn { Ignore = "ignore", Match = "match", Negate = "negate" }
}

choices! {
    /// What becomes of a packet that no rule is for.
    pub enum Policy { Accept = "ACCEPT", Drop = "DROP", Queue = "QUEUE", Return = "RETURN" }
}

params! {
    /// Parameters of `iptables`. A value that begins with `!` is negated.
    pub struct IptablesParams {
        /// The table.
        table: Table = Table::Filter;
        /// Whether the rule or chain shall be there.
        state: RuleState = RuleState::Present;
        /// Whether a new rule goes to the end or the beginning of the chain.
        action: Place = Place::Append;
        /// The filter of IPv4, of IPv6, or both.
        ip_version: Version = Version::Four;
        /// The chain that the rule is in, as `INPUT`, or one of your own.
        chain: Option<String>;
        /// The number before which a rule is inserted.
        rule_num: Option<String>;
        /// Only packets of this protocol, as `tcp`; `!tcp` is all others.
        protocol: Option<String>;
        /// Seconds to wait for another that changes the filter.
        wait: Option<String>;
        /// The source's address.
        source: Option<String>;
        /// The address that becomes the source.
        to_source: Option<String>;
        /// The destination's address.
        destination: Option<String>;
        /// The address that becomes the destination.
        to_destination: Option<String>;
        /// Extensions that match.
        r#match: Vec<String>;
        /// Flags of TCP: a mapping of `flags` and `flags_set`.
        tcp_flags: Option<Map>;
        /// What is done with a packet.
        jump: Option<String>;
        /// Where a copy is sent.
        gateway: Option<String>;
        /// The text before a line of the log.
        log_prefix: Option<String>;
        /// The level of the log.
        log_level: Option<String>;
        /// The chain that goes on.
        goto: Option<String>;
        /// The interface that it came in by.
        in_interface: Option<String>;
        /// The interface that it goes out by.
        out_interface: Option<String>;
        /// Later parts of fragmented packets.
        fragment: Option<String>;
        /// Counters that are set.
        set_counters: Option<String>;
        /// The source's port.
        source_port: Option<String>;
        /// The destination's port.
        destination_port: Option<String>;
        /// Several of the destination's ports.
        destination_ports: Vec<String>;
        /// The ports that become the destination's.
        to_ports: Option<String>;
        /// The number that `jump: DSCP` writes into the packets.
        set_dscp_mark: Option<String>;
        /// The same as a class, as `AF21`.
        set_dscp_mark_class: Option<String>;
        /// A comment that is kept with the rule.
        comment: Option<String>;
        /// States of the connection.
        ctstate: Vec<String>;
        /// A range of sources.
        src_range: Option<String>;
        /// A range of destinations.
        dst_range: Option<String>;
        /// A set of addresses.
        match_set: Option<String>;
        /// Which of a packet's addresses are looked for in the set.
        match_set_flags: Option<String>;
        /// How often it matches.
        limit: Option<String>;
        /// How often before the limit counts.
        limit_burst: Option<String>;
        /// The user whose packet it is.
        uid_owner: Option<String>;
        /// The group whose packet it is.
        gid_owner: Option<String>;
        /// The answer to a packet that is rejected.
        reject_with: Option<String>;
        /// Only ICMP packets of this type, as `echo-request`.
        icmp_type: Option<String>;
        /// Whether it begins a connection.
        syn: Syn = Syn::Ignore;
        /// Whether all rules of the chain, or of all, are removed.
        flush: bool = false;
        /// What becomes of a packet that no rule of the chain is for.
        policy: Option<Policy>;
        /// Whether a chain is made or removed, where there is no rule in the task.
        chain_management: bool = false;
        /// Whether addresses are not looked up.
        numeric: bool = false;
    }
    rules [
        Rule::MutuallyExclusive(&["set_dscp_mark", "set_dscp_mark_class"]),
        Rule::MutuallyExclusive(&["flush", "policy"]),
        Rule::RequiredBy("set_dscp_mark", &["jump"]),
        Rule::RequiredBy("set_dscp_mark_class", &["jump"]),
        Rule::RequiredIf("jump", "TEE", &["gateway"]),
        Rule::RequiredIf("jump", "tee", &["gateway"]),
    ]
}

impl Module for Iptables {
    type Params = IptablesParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "iptables",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("iptables.rs"),
        returns: &[
            ("rule", "the rule, as iptables takes it"),
            ("chain", "the chain"),
            ("table", "the table"),
        ],
    };

    fn plan(params: &IptablesParams, view: &View<'_>) -> Result<Step, Halt> {
        if !params.flush && params.chain.is_none() {
            return fail("flush is False but all of the following are missing: chain");
        }
        let shown = rule::words(params).join(" ");
        let mut params = params.clone();
        if params.log_prefix.is_some() || params.log_level.is_some() {
            match params.jump.as_deref() {
                None => params.jump = Some("LOG".to_owned()),
                Some("LOG") => {}
                Some(_) => return fail("Logging options can only be used with the LOG jump target."),
            }
        }
        let programs: &[&str] = match params.ip_version {
            Version::Four => &["iptables"],
            Version::Six => &["ip6tables"],
            Version::Both => &["iptables", "ip6tables"],
        };
        let mut plan = Plan::default();
        let mut changed = false;
        for program in programs {
            changed |= one(&mut plan, &params, program, view)?;
        }
        plan.changed = Some(changed);
        let chain = params.chain.clone();
        plan.summary = match (changed, params.state) {
            (false, _) => "already so".to_owned(),
            (true, RuleState::Present) => {
                format!("set `{shown}` in {}", chain.as_deref().unwrap_or("all chains"))
            }
            (true, RuleState::Absent) => {
                format!("remove `{shown}` of {}", chain.as_deref().unwrap_or_default())
            }
        };
        let text = |text: Option<String>| text.map_or(Value::Null, Value::from);
        plan.result = crate::map! {
            "ip_version" => params.ip_version.text(), "table" => params.table.text(), "chain" => text(chain),
            "flush" => params.flush, "rule" => shown, "state" => params.state.text(),
            "chain_management" => params.chain_management, "wait" => text(params.wait.clone()),
        };
        Ok(Step::Plan(plan))
    }

    fn failure(_: &IptablesParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("iptables failed", failure)
    }
}

fn words(params: &IptablesParams, program: &str, action: &str) -> Vec<String> {
    let mut words =
        vec![program.to_owned(), "-t".to_owned(), params.table.text().to_owned(), action.to_owned()];
    words.extend(params.chain.clone());
    if action == "-I" {
        words.extend(params.rule_num.clone());
    }
    if let Some(wait) = params.wait.clone().filter(|wait| !wait.is_empty()) {
        words.extend(["-w".to_owned(), wait]);
    }
    words
}

fn ends_with(status: i32, stdout: &str) -> Observation {
    Observation::Command(CommandOutput {
        status,
        stdout: stdout.as_bytes().to_vec(),
        stderr: Vec::new(),
        started: 0,
        ended: 0,
        utc_offset: 0,
        timed_out: false,
    })
}

/// Whether a command that only looks succeeds; where iptables is not there, the task fails.
fn looks(command: &Command, view: &View<'_>) -> Result<CommandOutput, Halt> {
    view.run(command.clone())
}

/// One of the two filters; whether something changes.
fn one(plan: &mut Plan, params: &IptablesParams, program: &str, view: &View<'_>) -> Result<bool, Halt> {
    let rule = rule::words(params);
    let with_rule = |action: &str| {
        let mut all = words(params, program, action);
        all.extend(rule.iter().cloned());
        all
    };
    let mut list = words(params, program, "-L");
    list.extend(params.numeric.then(|| "--numeric".to_owned()));
    let list = run::reading(list);
    let mut act = |words: Vec<String>, look: Option<(&Command, Observation)>, after: &str| {
        let mut change = run::change(view, words);
        if let Some((command, answer)) = look {
            change = change.effect(Effect::Answer(Query::Command(command.clone()), answer));
        }
        plan.changes.push(super::contract::Planned { side: super::contract::Side::Host, change });
        let subject =
            format!("{program} {} {}", params.table.text(), params.chain.as_deref().unwrap_or_default());
        plan.diffs.push(Diff::attribute(subject, rule.join(" "), "", after));
    };
    if params.flush {
        act(words(params, program, "-F"), None, "flushed");
        return Ok(true);
    }
    if let Some(policy) = params.policy {
        let said = run::stdout(&looks(&list, view)?);
        let head = said.lines().next().unwrap_or_default();
        let Some((_, rest)) = head.split_once("(policy ") else { return fail("Can't detect current policy") };
        let is = rest.split([' ', ')']).next().unwrap_or_default().to_owned();
        if is == policy.text() {
            return Ok(false);
        }
        let mut set = words(params, program, "-P");
        set.push(policy.text().to_owned());
        let after = said.replacen(&format!("(policy {is}"), &format!("(policy {}", policy.text()), 1);
        act(set, Some((&list, ends_with(0, &after))), policy.text());
        return Ok(true);
    }
    let present = params.state == RuleState::Present;
    if rule.is_empty() {
        let is_there = looks(&list, view)?.status == 0;
        if is_there != present && params.chain_management {
            let (action, status) = if present { ("-N", 0) } else { ("-X", 1) };
            act(words(params, program, action), Some((&list, ends_with(status, ""))), params.state.text());
        }
        return Ok(is_there != present);
    }
    let check = run::reading(with_rule("-C"));
    let is_there = looks(&check, view)?.status == 0;
    if is_there == present {
        return Ok(false);
    }
    let (action, status) = match (present, params.action) {
        (true, Place::Append) => ("-A", 0),
        (true, Place::Insert) => ("-I", 0),
        (false, _) => ("-D", 1),
    };
    act(with_rule(action), Some((&check, ends_with(status, ""))), params.state.text());
    Ok(true)
}
