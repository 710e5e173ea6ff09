//! A rule as iptables takes it.

use super::{IptablesParams, Syn, Version};
use crate::base::Value;

#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn option(&mut self, flag: &str, value: Option<&String>) {
        let Some(value) = value else { return };
        match value.strip_prefix('!') {
            Some(value) => self.0.extend(["!", flag, value].map(str::to_owned)),
            None => self.0.extend([flag, value].map(str::to_owned)),
        }
    }

    fn list(&mut self, flag: &str, values: &[String]) {
        if !values.is_empty() {
            self.0.extend([flag.to_owned(), values.join(",")]);
        }
    }

    fn extension(&mut self, name: &str) {
        self.0.extend(["-m", name].map(str::to_owned));
    }

    fn jump(&mut self, to: &str) {
        self.0.extend(["-j", to].map(str::to_owned));
    }
}

/// The words of a task's rule.
pub(super) fn words(params: &IptablesParams) -> Vec<String> {
    let mut out = Words::default();
    let jump = params.jump.as_deref().unwrap_or_default().to_lowercase();
    let matches = |name: &str| params.r#match.iter().any(|known| known == name);
    out.option("-p", params.protocol.as_ref());
    out.option("-s", params.source.as_ref());
    out.option("-d", params.destination.as_ref());
    for name in &params.r#match {
        out.option("-m", Some(name));
    }
    if let Some(flags) = &params.tcp_flags {
        let list = |key: &str| {
            flags
                .get(key)
                .and_then(Value::as_list)
                .map(|all| all.iter().map(Value::to_text).collect::<Vec<_>>())
        };
        if let (Some(flags), Some(set)) = (list("flags"), list("flags_set")) {
            out.0.extend(["--tcp-flags".to_owned(), flags.join(","), set.join(",")]);
        }
    }
    out.option("-j", params.jump.as_ref());
    if jump == "tee" {
        out.option("--gateway", params.gateway.as_ref());
    }
    out.option("--log-prefix", params.log_prefix.as_ref());
    out.option("--log-level", params.log_level.as_ref());
    out.option("--to-destination", params.to_destination.as_ref());
    if !params.destination_ports.is_empty() {
        out.extension("multiport");
    }
    out.list("--dports", &params.destination_ports);
    for (flag, value) in [
        ("--to-source", &params.to_source),
        ("-g", &params.goto),
        ("-i", &params.in_interface),
        ("-o", &params.out_interface),
        ("-f", &params.fragment),
        ("-c", &params.set_counters),
        ("--source-port", &params.source_port),
        ("--destination-port", &params.destination_port),
        ("--to-ports", &params.to_ports),
    ] {
        out.option(flag, value.as_ref());
    }
    for (flag, value) in
        [("--set-dscp", &params.set_dscp_mark), ("--set-dscp-class", &params.set_dscp_mark_class)]
    {
        out.option(flag, value.as_ref());
        if value.is_some() && jump != "dscp" {
            out.jump("DSCP");
        }
    }
    match params.syn {
        Syn::Ignore => {}
        Syn::Match => out.0.push("--syn".to_owned()),
        Syn::Negate => out.0.extend(["!", "--syn"].map(str::to_owned)),
    }
    if matches("conntrack") {
        out.list("--ctstate", &params.ctstate);
    } else if matches("state") {
        out.list("--state", &params.ctstate);
    } else if !params.ctstate.is_empty() {
        out.extension("conntrack");
        out.list("--ctstate", &params.ctstate);
    }
    if !matches("iprange") && (params.src_range.is_some() || params.dst_range.is_some()) {
        out.extension("iprange");
    }
    out.option("--src-range", params.src_range.as_ref());
    out.option("--dst-range", params.dst_range.as_ref());
    if let Some(set) = &params.match_set {
        if !matches("set") {
            out.extension("set");
        }
        out.option("--match-set", Some(set));
        out.0.extend(params.match_set_flags.clone());
    }
    if params.limit.is_some() || params.limit_burst.is_some() {
        out.extension("limit");
    }
    out.option("--limit", params.limit.as_ref());
    out.option("--limit-burst", params.limit_burst.as_ref());
    for (flag, value) in [("--uid-owner", &params.uid_owner), ("--gid-owner", &params.gid_owner)] {
        if value.is_some() {
            out.extension("owner");
        }
        out.option(flag, value.as_ref());
    }
    if params.jump.is_none() && params.reject_with.is_some() {
        out.jump("REJECT");
    }
    out.option("--reject-with", params.reject_with.as_ref());
    let icmp = if params.ip_version == Version::Six { "--icmpv6-type" } else { "--icmp-type" };
    out.option(icmp, params.icmp_type.as_ref());
    if params.comment.is_some() {
        out.extension("comment");
    }
    out.option("--comment", params.comment.as_ref());
    out.0
}
