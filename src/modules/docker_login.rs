//! Logs in to a registry of images, or out.
//!
//! ```yaml
//! - name: Log in to the registry
//!   community.docker.docker_login:
//!     registry_url: registry.example.com
//!     username: deploy
//!     password: "{{ registry_password }}"
//! ```

use serde_json::{Value as Json, json};

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::docker::auth::{self, Login};
use super::docker::{DockerParams, Engine};
use super::params::{PathText, Rule};
use super::paths;
use super::view::View;
use crate::base::JsonStyle;
use crate::base::Value;
use crate::wire::action::Bytes;
use crate::wire::{Action, Attributes, Change, Expect, Failure, FileKind, Follow, Query};
use crate::{choices, params};

/// As `community.docker.docker_login`.
pub struct DockerLogin;

choices! {
    /// Whether the user is logged in.
    pub enum LoginState { Present = "present", Absent = "absent" }
}

params! {
    /// Parameters of `docker_login`.
    pub struct DockerLoginParams {
        /// The registry.
        registry_url: String = auth::DEFAULT_REGISTRY, aliases ["registry", "url"];
        /// The user; needed with `state: present`.
        username: Option<String>;
        /// The password; needed with `state: present`.
        password: Option<String>, @secret;
        /// Whether the registry is asked, and the login written, where it is kept already.
        reauthorize: bool = false, aliases ["reauth"];
        /// Whether the user is logged in.
        state: LoginState = LoginState::Present;
        /// The file that keeps logins.
        config_path: PathText = PathText("~/.docker/config.json".to_owned()), aliases ["dockercfg_path"];
    }
    include { docker: DockerParams }
    rules [Rule::RequiredIf("state", "present", &["username", "password"])]
}

impl Module for DockerLogin {
    type Params = DockerLoginParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_login",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_login.rs"),
        returns: &[(
            "login_result",
            "what the registry says, or the login that is kept, without its password",
        )],
    };

    fn plan(params: &DockerLoginParams, view: &View<'_>) -> Result<Step, Halt> {
        let path = &*params.config_path;
        view.want([Query::Stat { path: paths::parent(path).to_owned(), follow: Follow::Yes }]);
        let (bytes, config) = auth::read(view, path)?;
        let kept = Kept { params, view, bytes, config };
        match params.state {
            LoginState::Present => kept.login().map(Step::Plan),
            LoginState::Absent => kept.logout().map(Step::Plan),
        }
    }

    fn failure(params: &DockerLoginParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let message = format!("cannot keep the login for {}: {}", params.registry_url, failure.message);
        Failed { message, ..Failed::default() }
    }
}

/// What is kept of logins.
struct Kept<'a> {
    params: &'a DockerLoginParams,
    view: &'a View<'a>,
    bytes: Option<Vec<u8>>,
    config: Json,
}

impl Kept<'_> {
    fn helper(&self) -> Option<&str> {
        auth::helper(&self.config, &self.params.registry_url)
    }

    /// The login that is kept.
    fn found(&self) -> Result<Option<Login>, Halt> {
        let registry = &self.params.registry_url;
        match self.helper() {
            Some(helper) => auth::from_helper(self.view, helper, registry),
            None => Ok(auth::from_file(&self.config, registry)),
        }
    }

    fn login(&self) -> Result<Plan, Halt> {
        let params = self.params;
        let registry = &params.registry_url;
        let (Some(username), Some(password)) = (&params.username, &params.password) else {
            return fail("state is present but all of the following are missing: username, password");
        };
        let found = self.found()?;
        let same = found.as_ref().is_some_and(|l| l.username == *username && l.password.open() == password);
        if same && !params.reauthorize {
            let told = json!({"username": username, "email": null, "serveraddress": registry});
            let plan = Plan::nothing(format!("already logged in as {username}"));
            return Ok(plan.with("login_result", Value::from_json(&told)));
        }
        let told = self.authenticate(username, password)?;
        let before = found.map(|login| login.username).unwrap_or_default();
        let changes = match self.helper() {
            Some(helper) => {
                let input = json!({"ServerURL": registry, "Username": username, "Secret": password});
                let store = auth::call(self.view, helper, "store", input.to_string());
                vec![Change::new(Action::Run(store))]
            }
            None => {
                let mut config = self.config.clone();
                let auths =
                    config.as_object_mut().map(|fields| fields.entry("auths").or_insert_with(|| json!({})));
                if let Some(auths) = auths.and_then(Json::as_object_mut) {
                    auths.insert(registry.clone(), auth::entry(username, password));
                }
                self.write(&config)?
            }
        };
        let mut plan = Plan::nothing(format!("log in to {registry} as {username}"));
        plan = changes.into_iter().fold(plan, Plan::change);
        let after = match (same, before == *username) {
            (true, _) => format!("{username}, asked again"),
            (false, true) => format!("{username}, with another password"),
            (false, false) => username.clone(),
        };
        plan.diffs.push(Diff::attribute(format!("registry {registry}"), "user", before, after));
        Ok(plan.with("login_result", Value::from_json(&told)))
    }

    /// Asks the registry, through the Engine. Nothing is kept there; it is done in check mode too.
    fn authenticate(&self, username: &str, password: &str) -> Result<Json, Halt> {
        if self.view.controller().looking_ahead() {
            return Err(Halt::Deferred);
        }
        let registry = &self.params.registry_url;
        let engine = Engine::of(&self.params.docker, self.view)?;
        let body =
            json!({"username": username, "password": password, "email": null, "serveraddress": registry});
        match engine.look_posted("/auth", &body) {
            Ok(told) => Ok(told.unwrap_or_default()),
            Err(Halt::Failed(failed)) => {
                let message =
                    format!("Logging into {registry} for user {username} failed - {}", failed.message);
                Err(Failed { message, ..*failed }.into())
            }
            Err(halt) => Err(halt),
        }
    }

    fn logout(&self) -> Result<Plan, Halt> {
        let registry = &self.params.registry_url;
        let nothing = json!({});
        let result = Value::from_json(&nothing);
        let (user, changes) = match self.helper() {
            Some(helper) => match auth::from_helper(self.view, helper, registry)? {
                Some(login) => {
                    let erase = auth::call(self.view, helper, "erase", registry);
                    (login.username, vec![Change::new(Action::Run(erase))])
                }
                None => (String::new(), Vec::new()),
            },
            None => {
                let mut config = self.config.clone();
                let auths = config.get_mut("auths").and_then(Json::as_object_mut);
                match auths.and_then(|auths| auths.shift_remove(registry)) {
                    Some(_) => {
                        let user = self.found()?.map(|login| login.username).unwrap_or_default();
                        (user, self.write(&config)?)
                    }
                    None => (String::new(), Vec::new()),
                }
            }
        };
        if changes.is_empty() {
            return Ok(Plan::nothing(format!("not logged in to {registry}")).with("login_result", result));
        }
        let mut plan =
            changes.into_iter().fold(Plan::nothing(format!("log out of {registry}")), Plan::change);
        plan.diffs.push(Diff::attribute(format!("registry {registry}"), "user", user, ""));
        Ok(plan.with("login_result", result))
    }

    /// Writes the file that keeps logins, as the original writes it.
    fn write(&self, config: &Json) -> Result<Vec<Change>, Halt> {
        let path = &*self.params.config_path;
        let style = JsonStyle { sorted: true, ..JsonStyle::indented(4) };
        let text = style.text(&Value::from_json(config));
        let mut changes = Vec::new();
        let above = paths::parent(path);
        match self.view.stat(above, Follow::Yes)? {
            Some(stat) if stat.kind == FileKind::Directory => {}
            Some(_) => return fail(format!("`{above}` is not a directory")),
            None => changes.push(Change::new(Action::MakeDirectory {
                path: above.to_owned(),
                attributes: Attributes::default(),
            })),
        }
        let expect = match &self.bytes {
            Some(bytes) => Expect::Sha1(Bytes::Inline(bytes.clone()).sha1()),
            None => Expect::Absent,
        };
        let mode = self.bytes.is_none().then_some(0o600);
        changes.push(Change::new(Action::WriteFile {
            path: path.to_owned(),
            content: Bytes::Inline(text.into_bytes()),
            attributes: Attributes { mode, ..Attributes::default() },
            expect,
            backup: false,
            validate: None,
            follow: Follow::Yes,
            in_place: false,
        }));
        Ok(changes)
    }
}
