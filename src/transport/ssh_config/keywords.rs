//! What fleet does with each keyword of ssh_config(5).

/// What is done with a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Kept; its first value counts.
    First,
    /// Kept; all its values count.
    All,
    /// Changes nothing in where or how fleet connects.
    Harmless,
    /// Harmless with one of these values; refused with any other.
    Only(&'static [&'static str]),
}

const NO: &[&str] = &["no", "none", "false"];
const NONE: &[&str] = &["none"];

/// What is done with a keyword (in lower case); `None` when OpenSSH does not know it, or fleet does not.
pub(super) fn usage(keyword: &str) -> Option<Use> {
    let found = TABLE.iter().find(|(keywords, _)| keywords.split_whitespace().any(|known| known == keyword));
    found.map(|(_, usage)| *usage)
}

const TABLE: &[(&str, Use)] = &[
    (
        "hostname user port hostkeyalias identitiesonly identityagent userknownhostsfile globalknownhostsfile \
         stricthostkeychecking hashknownhosts proxyjump proxycommand connectionattempts serveraliveinterval \
         serveralivecountmax addressfamily bindaddress preferredauthentications pubkeyauthentication \
         passwordauthentication kbdinteractiveauthentication challengeresponseauthentication ciphers macs \
         kexalgorithms hostkeyalgorithms",
        Use::First,
    ),
    ("identityfile certificatefile sendenv setenv", Use::All),
    (
        // look and feel, forwarding that nothing here uses, sharing that fleet does itself
        "addkeystoagent batchmode checkhostip clearallforwardings compression controlmaster controlpath \
         controlpersist dynamicforward enableescapecommandline enablesshkeysign escapechar exitonforwardfailure \
         fingerprinthash forkafterauthentication forwardagent forwardx11 forwardx11timeout forwardx11trusted \
         gatewayports ignoreunknown ipqos localcommand localforward loglevel logverbose numberofpasswordprompts \
         obscurekeystroketiming permitlocalcommand permitremoteopen remoteforward requesttty \
         streamlocalbindmask streamlocalbindunlink stdinnull syslogfacility tag tcpkeepalive updatehostkeys \
         verifyhostkeydns visualhostkey warnweakcrypto xauthlocation channeltimeout rekeylimit connecttimeout",
        Use::Harmless,
    ),
    (
        // ways to authenticate that fleet does not offer, and limits on what it does not do
        "casignaturealgorithms gssapiauthentication gssapiclientidentity gssapidelegatecredentials \
         gssapikeyexchange gssapikexalgorithms gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns \
         hostbasedauthentication hostbasedacceptedalgorithms hostbasedkeytypes nohostauthenticationforlocalhost \
         pubkeyacceptedalgorithms pubkeyacceptedkeytypes requiredrsasize securitykeyprovider \
         canonicaldomains canonicalizefallbacklocal canonicalizemaxdots canonicalizepermittedcnames",
        Use::Harmless,
    ),
    (
        // dead, and ignored by OpenSSH too
        "protocol cipher compressionlevel dsaauthentication rhostsrsaauthentication rsaauthentication useroaming \
         useprivilegedport fallbacktorsh usersh smartcarddevice keepalive globalknownhostsfile2 \
         userknownhostsfile2 afstokenpassing kerberosauthentication kerberostgtpassing skeyauthentication tisauthentication",
        Use::Harmless,
    ),
    ("canonicalizehostname tunnel proxyusefdpass", Use::Only(NO)),
    (
        "knownhostscommand pkcs11provider revokedhostkeys remotecommand bindinterface tunneldevice",
        Use::Only(NONE),
    ),
    ("sessiontype", Use::Only(&["default"])),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_stands_once_and_in_lower_case() {
        let mut all: Vec<&str> = TABLE.iter().flat_map(|(keywords, _)| keywords.split_whitespace()).collect();
        assert!(
            all.iter().all(|keyword| keyword.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
        );
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(usage("proxyjump"), Some(Use::First));
        assert_eq!(usage("knownhostscommand"), Some(Use::Only(NONE)));
        assert_eq!(usage("hostnam"), None);
    }
}
