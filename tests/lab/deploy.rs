//! The repository's own deploy playbook: converges, is idempotent, and its plan is what is applied.

use std::path::Path;

use crate::world::World;

const INVENTORY: [&str; 2] = ["-i", "inventory"];

pub fn converges(world: &World) {
    let playbook = Path::new("playbooks/deploy.yml");
    let hosts = ["web1", "web2", "lb"];
    let with = |more: &[&'static str]| [&INVENTORY, more].concat();

    // planned from nothing: a user, its directories and files, a unit, a package, handlers
    let planned = world.run("plan", playbook, &with(&["--json", "--detailed-exitcode"])).expect(2);
    assert_eq!(world.ssh("web1", "getent passwd greeter; ls -d /srv/greeter 2>/dev/null; true"), "");

    let first = world.run("apply", playbook, &with(&["--json"])).expect(0);
    for host in hosts {
        assert!(first.recap(host, "changed") > 0, "{host} is changed by the first run");
        assert_eq!(planned.recap(host, "failed"), 0);
    }
    for host in ["web1", "web2"] {
        assert_eq!(planned.changed(host), first.changed(host), "what was planned is what is done");
    }

    let second = world.run("apply", playbook, &with(&["--json"])).expect(0);
    for host in hosts {
        assert_eq!(second.recap(host, "changed"), 0, "{host}: {:?}", second.changed(host));
        assert_eq!(second.cost(host, "connections"), 1);
        assert!(second.cost(host, "exchanges") <= 6, "{host}: {}", second.cost(host, "exchanges"));
    }
    world.run("plan", playbook, &with(&["--detailed-exitcode"])).expect(0);

    let address = world.address("lb").0;
    let page = world.ssh("web1", &format!("curl -sS http://{address}/"));
    assert!(page.starts_with("Hello from web"), "{page}");
    assert_eq!(world.ssh("lb", "curl -sS http://127.0.0.1/version"), "1.0.0\n");

    // a changed variable: the plan shows exactly that difference, and changes nothing
    let before = world.ssh("web1", "cat /etc/greeter.env; stat -c '%Y %i' /etc/greeter.env");
    let changed = ["-e", "greeter_greeting=Moin"];
    let plan = world
        .run("plan", playbook, &with(&[&["--json", "--detailed-exitcode"][..], &changed].concat()))
        .expect(2);
    assert_eq!(plan.changed("web1"), ["The service's environment", "Restart the service"]);
    assert_eq!(plan.changed("lb"), Vec::<String>::new());
    let diffs: Vec<_> = plan
        .events()
        .into_iter()
        .filter(|event| event["host"] == "web1" && event["task"]["name"] == "The service's environment")
        .flat_map(|event| event["outcome"]["diffs"].as_array().cloned().unwrap_or_default())
        .collect();
    assert_eq!(diffs.len(), 1, "{diffs:?}");
    let (old, new) = (diffs[0]["before"].as_str().unwrap(), diffs[0]["after"].as_str().unwrap());
    assert_eq!(old.replace("\"Hello\"", "\"Moin\""), new);
    assert_ne!(old, new);
    assert_eq!(world.ssh("web1", "cat /etc/greeter.env; stat -c '%Y %i' /etc/greeter.env"), before);

    let shown = world.run("plan", playbook, &with(&changed)).expect(0).stdout;
    assert!(
        shown.contains("-GREETER_GREETING=\"Hello\"") && shown.contains("+GREETER_GREETING=\"Moin\""),
        "{shown}"
    );

    let applied = world.run("apply", playbook, &with(&[&["--json"][..], &changed].concat())).expect(0);
    assert_eq!(applied.changed("web1"), plan.changed("web1"));
    let page = world.ssh("web1", &format!("curl -sS http://{address}/"));
    assert!(page.starts_with("Moin from web"), "{page}");
}
