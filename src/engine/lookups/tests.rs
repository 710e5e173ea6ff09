//! Lookups on real files; what Ansible gives was seen with ansible-core 2.19.14.

use std::fs;
use std::path::Path;

use super::*;
use crate::base::Place;
use crate::map;

#[derive(Debug)]
struct NoVariables;

impl Variables for NoVariables {
    fn get(&self, name: &str) -> Option<Value> {
        let hosts = |names: &[&str]| Value::list(names.iter().map(|name| Value::from(*name)));
        (name == "groups")
            .then(|| Value::map(map! {"all" => hosts(&["h1", "h2", "h3"]), "a" => hosts(&["h1", "h2"])}))
    }
    fn place(&self, _: &str) -> Option<Place> {
        None
    }
    fn names(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
    fn host(&self, _: &str) -> Option<Arc<dyn Variables>> {
        None
    }
    fn hosts(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

fn world(directory: &Path) -> World {
    World {
        project: Arc::new(Project::new()),
        search: vec![directory.join("roles/r"), directory.to_owned()],
        ahead: false,
        clock: Clock::set_to(0),
        warnings: Arc::default(),
    }
}

fn project() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("files/a.txt", "  play\n\n"),
        ("roles/r/files/a.txt", "role\n"),
        ("roles/r/files/.hidden.txt", ""),
        ("roles/r/files/b.txt", ""),
        ("t.csv", "key,value,more\nx,1,\"2,5\"\n\ny\n"),
        ("t.ini", "[global]\na=1\n[s]\nName = %(a)s\na = 5\nb1=x\nb2=y\nempty=\n"),
        ("t.properties", "a.b = c\n"),
        ("latin.ini", ""),
    ] {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(directory.path().join("latin.ini"), b"[global]\nprice=5 \xa4\n").unwrap();
    directory
}

fn ask(world: &World, name: &str, terms: &[&str], options: Map) -> Result<Vec<String>, String> {
    let terms: Vec<Value> = terms.iter().map(|term| Value::from(*term)).collect();
    let variables: Arc<dyn Variables> = Arc::new(NoVariables);
    match world.lookup(name, &terms, &options, &variables) {
        Ok(found) => Ok(found.as_list().unwrap().iter().map(Value::to_text).collect()),
        Err(LookupError::Failed(message)) => Err(message),
        Err(other) => Err(format!("{other:?}")),
    }
}

fn found(world: &World, name: &str, terms: &[&str], options: Map) -> Vec<String> {
    ask(world, name, terms, options).unwrap_or_else(|error| panic!("{name} {terms:?}: {error}"))
}

#[test]
fn files_are_searched_in_the_role_first() {
    let directory = project();
    let world = world(directory.path());
    assert_eq!(found(&world, "file", &["a.txt"], Map::new()), ["role"]);
    assert_eq!(found(&world, "file", &["files/a.txt"], map! {"rstrip" => false}), ["role\n"]);
    let play = directory.path().join("files/a.txt").display().to_string();
    assert_eq!(found(&world, "file", &[&play], map! {"lstrip" => true}), ["play"]);
    assert_eq!(found(&world, "unvault", &[&play], Map::new()), ["  play\n\n"]);
    assert!(ask(&world, "file", &["nope"], Map::new()).is_err_and(|error| error.contains("file not found")));
    let globbed = found(&world, "fileglob", &["*.txt"], Map::new());
    let names: Vec<_> = globbed.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["a.txt", "b.txt"]);
    assert!(Path::new(&globbed[0]).is_absolute());
    assert_eq!(found(&world, "fileglob", &["nope/*", "*.nope"], Map::new()).len(), 0);
}

#[test]
fn the_first_file_is_found_beside_the_task_only_with_with() {
    let directory = project();
    let world = world(directory.path());
    let a = |found: Vec<String>| found[0].ends_with("roles/r/files/a.txt");
    assert!(ask(&world, "first_found", &["a.txt"], Map::new()).is_err());
    assert!(a(found(&world, "first_found", &["nope", "a.txt"], map! {crate::template::WITH => true})));
    assert!(a(found(&world, "first_found", &["files/a.txt"], Map::new())));
    assert!(a(found(&world, "first_found", &["no,a.txt"], map! {"paths" => "no:files"})));
    assert_eq!(found(&world, "first_found", &["nope"], map! {"skip" => true}).len(), 0);
    let params = Value::map(map! {"files" => "x,a.txt", "paths" => vec![Value::from("files")]});
    let variables: Arc<dyn Variables> = Arc::new(NoVariables);
    assert!(world.lookup("first_found", &[params], &Map::new(), &variables).is_ok());
    assert!(world.lookup("first_found", &[Value::from(5)], &Map::new(), &variables).is_err());
}

#[test]
fn tables_and_settings_files() {
    let directory = project();
    let world = world(directory.path());
    let csv = |more: Map| {
        let mut options = map! {"file" => "t.csv", "delimiter" => ","};
        options.extend(more);
        options
    };
    assert_eq!(found(&world, "csvfile", &["x"], csv(Map::new())), ["1"]);
    assert_eq!(found(&world, "csvfile", &["x col=2"], csv(Map::new())), ["2,5"]);
    assert_eq!(found(&world, "csvfile", &["x file=t.csv delimiter=,"], Map::new()), ["1"]);
    assert_eq!(found(&world, "csvfile", &["none"], csv(Map::new())).len(), 0);
    assert_eq!(found(&world, "csvfile", &["none"], csv(map! {"default" => "d"})), ["d"]);
    assert!(ask(&world, "csvfile", &["y"], csv(Map::new())).is_err());
    assert!(ask(&world, "csvfile", &["x nope=1"], csv(Map::new())).is_err());
    let ini = |more: Map| {
        let mut options = map! {"file" => "t.ini"};
        options.extend(more);
        options
    };
    assert_eq!(found(&world, "ini", &["a"], ini(Map::new())), ["1"]);
    assert_eq!(found(&world, "ini", &["name"], ini(map! {"section" => "s"})), ["5"]);
    assert_eq!(found(&world, "ini", &["a section=s file=t.ini"], Map::new()), ["5"]);
    assert_eq!(found(&world, "ini", &["b[12]"], ini(map! {"section" => "s", "re" => true})), ["x", "y"]);
    assert_eq!(found(&world, "ini", &["nope"], ini(map! {"default" => "d"})), ["d"]);
    assert_eq!(found(&world, "ini", &["nope"], ini(Map::new())), [""]);
    assert!(ask(&world, "ini", &["a"], ini(map! {"section" => "no"})).is_err());
    assert_eq!(found(&world, "ini", &["a.b type=properties file=t.properties"], Map::new()), ["c"]);
    assert_eq!(
        found(&world, "ini", &["price"], map! {"file" => "latin.ini", "encoding" => "iso8859-15"}),
        ["5 €"]
    );
}

#[test]
fn passwords_are_kept() {
    let directory = project();
    let world = world(directory.path());
    let first = found(&world, "password", &["secrets/db length=12 chars=digits"], Map::new());
    assert!(first[0].len() == 12 && first[0].bytes().all(|byte| byte.is_ascii_digit()), "{first:?}");
    assert_eq!(found(&world, "password", &["secrets/db"], Map::new()), first);
    let path = directory.path().join("secrets/db");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let hashed = found(&world, "password", &["secrets/db encrypt=md5_crypt"], Map::new());
    assert!(hashed[0].starts_with("$1$"));
    assert_eq!(found(&world, "password", &["secrets/db"], map! {"encrypt" => "md5"}), hashed);
    assert!(fs::read_to_string(&path).unwrap().starts_with(&format!("{} salt=", first[0])));
    let seeded = || found(&world, "password", &["/dev/null"], map! {"seed" => "host", "length" => 8});
    assert_eq!(seeded(), ["lPvaeNQq"]);
    assert_eq!(found(&world, "password", &["/dev/null chars=a,b length=4 seed=s"], Map::new()), ["bbba"]);
    assert!(ask(&world, "password", &["x nope=1"], Map::new()).is_err());
}

#[test]
fn commands_chance_and_hosts() {
    let directory = project();
    let world = world(directory.path());
    assert_eq!(found(&world, "pipe", &["echo a; pwd"], Map::new())[0].lines().count(), 2);
    assert_eq!(found(&world, "lines", &["echo a; echo b"], Map::new()), ["a", "b"]);
    assert_eq!(
        ask(&world, "pipe", &["exit 3"], Map::new()).unwrap_err(),
        "lookup_plugin.pipe(exit 3) returned 3"
    );
    assert_eq!(found(&world, "random_choice", &["x"], Map::new()), ["x"]);
    let drawn =
        found(&world, "community.general.random_string", &[], map! {"length" => 30, "special" => false});
    assert!(drawn[0].len() == 30 && drawn[0].chars().all(char::is_alphanumeric));
    assert_eq!(found(&world, "inventory_hostnames", &["all:!a"], Map::new()), ["h3"]);
    assert_eq!(found(&world, "inventory_hostnames", &["nope"], Map::new()).len(), 0);
    let tree = found(&world, "community.general.filetree", &["files"], Map::new());
    assert!(tree.iter().any(|entry| entry.contains("'path': 'b.txt'")), "{tree:?}");
    let ahead = World { ahead: true, ..world };
    let variables: Arc<dyn Variables> = Arc::new(NoVariables);
    assert_eq!(
        ahead.lookup("pipe", &[Value::from("date")], &Map::new(), &variables),
        Err(LookupError::Deferred)
    );
    assert_eq!(ahead.lookup("nope", &[], &Map::new(), &variables), Err(LookupError::NoSuchLookup));
    let unset = map! {"default" => Value::Omit};
    assert_eq!(
        ahead.lookup("env", &[Value::from("FLEET_NOT_SET")], &unset, &variables),
        Ok(Value::list([Value::Omit]))
    );
    assert_eq!(ask(&ahead, "config", &["DEFAULT_BECOME_USER"], Map::new()), Ok(vec!["root".to_owned()]));
    assert!(
        ask(&ahead, "config", &["DEFAULT_BECOME_USR"], Map::new())
            .is_err_and(|error| error.contains("did you mean"))
    );
}

#[test]
fn the_clock_runs_and_is_left_alone_ahead() {
    let directory = project();
    let variables: Arc<dyn Variables> = Arc::new(NoVariables);
    let now = |ahead| {
        let world: Arc<dyn Lookups> = Arc::new(World { ahead, ..world(directory.path()) });
        crate::template::Templar::new().expression("now(fmt='%Y')", None, &variables, &world)
    };
    assert_eq!(now(false).unwrap().value, Value::from("1970"));
    assert!(matches!(now(true), Err(crate::template::TemplateError::Deferred)));
}

#[test]
fn what_ansible_gives_up_is_noted_once() {
    let directory = project();
    let variables: Arc<dyn Variables> = Arc::new(NoVariables);
    let world: Arc<dyn Lookups> = Arc::new(world(directory.path()));
    let condition = |text: &str| {
        Value::Template(Arc::new(crate::base::TemplateText {
            text: Arc::from(text),
            place: None,
            form: crate::base::TextForm::Template,
        }))
    };
    let templar = crate::template::Templar::new();
    for text in ["{{ 1 == 1 }}", "{{ 2 == 2 }}"] {
        assert!(templar.condition(&condition(text), None, &variables, &world).is_ok());
    }
    assert!(templar.condition(&Value::from("1 == 1"), None, &variables, &world).is_ok());
    let noted = world.deprecations();
    assert_eq!(noted.iter().map(|noted| noted.version).collect::<Vec<_>>(), ["2.23"]);
    assert_eq!(world.deprecations(), []);
}

#[test]
fn a_wrapped_vault_text_is_the_plain_one_and_knows_its_form() {
    let directory = project();
    let variables: Arc<dyn Variables> = Arc::new(NoVariables);
    let world: Arc<dyn Lookups> = Arc::new(world(directory.path()));
    let templar = crate::template::Templar::new();
    let value = |text: &str| templar.expression(text, None, &variables, &world).unwrap().value;
    let tagged = "is ansible._protomatter.tagged_with('VaultedValue')";
    assert_eq!(value(&format!("'a secret' | vault('pw', wrap_object=true) {tagged}")), Value::Bool(true));
    assert_eq!(value(&format!("'a secret' | vault('pw') {tagged}")), Value::Bool(false));
    assert_eq!(value("'a secret' | vault('pw', wrap_object=true)"), Value::from("a secret"));
}
