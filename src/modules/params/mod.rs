//! How a module declares its parameters: a struct whose doc comments are the manual, made by [`params!`].

use indexmap::IndexMap;
use std::sync::Arc;

use crate::base::{Kind, Value, names};

mod mode;
mod types;

pub use mode::Mode;
pub use types::{ParamValue, PathText, Raw};

/// The parameters that a task gives, rendered; `omit`ted ones are not there.
pub type Given = IndexMap<Arc<str>, Value>;

/// One parameter of a module.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// Its type in Ansible's words: `str`, `bool`, `list` …
    pub kind: &'static str,
    /// The type of its items, where it is a list.
    pub elements: Option<&'static str>,
    /// Whether it must be given.
    pub required: bool,
    /// Tells the default as files write it.
    pub default: Option<fn() -> String>,
    /// The values it may have.
    pub choices: &'static [&'static str],
    /// Its manual.
    pub doc: &'static str,
    /// Whether its value must not be shown.
    pub secret: bool,
}

/// A rule between parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// At most one of them.
    MutuallyExclusive(&'static [&'static str]),
    /// All or none of them.
    RequiredTogether(&'static [&'static str]),
    /// At least one of them.
    RequiredOneOf(&'static [&'static str]),
    /// Where the first has the given value, all of the others.
    RequiredIf(&'static str, &'static str, &'static [&'static str]),
    /// Where the first is given, all of the others.
    RequiredBy(&'static str, &'static [&'static str]),
}

/// What is wrong with the parameters of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamProblem {
    /// The parameter it is about, where it is one.
    pub parameter: Option<String>,
    /// The kind of mistake.
    pub kind: Kind,
    /// In Ansible's words.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A module's parameters.
pub trait Params: Sized + Send + Sync + 'static {
    /// The parameters it has.
    fn fields() -> Vec<Field>;
    /// The rules between them.
    fn rules() -> Vec<Rule>;
    /// Whether any other name is a parameter too (`set_fact`).
    fn open() -> bool {
        false
    }
    /// Reads them, given under their canonical names.
    fn read(given: &Given, problems: &mut Vec<ParamProblem>) -> Option<Self>;
}

/// Reads a module's parameters, checking everything.
pub fn parse<P: Params>(given: &Given) -> Result<P, Vec<ParamProblem>> {
    let (canonical, mut problems) = canonical::<P>(given);
    rules::<P>(&canonical, &mut problems, Strictness::Complete);
    match P::read(&canonical, &mut problems) {
        Some(params) if problems.is_empty() => Ok(params),
        _ => Err(problems),
    }
}

/// Checks what can be checked before a run: a value that is not literal yet is not looked at, and as it may turn out
/// to be `omit` it counts as given where something is required and as not given where something is excluded.
pub fn check<P: Params>(given: &Given) -> Vec<ParamProblem> {
    let (canonical, mut problems) = canonical::<P>(given);
    rules::<P>(&canonical, &mut problems, Strictness::Literal);
    let _ = P::read(&canonical, &mut problems);
    let unsure = |name: &str| canonical.get(name).is_some_and(|value| !value.is_literal());
    problems.retain(|problem| !problem.parameter.as_deref().is_some_and(unsure));
    problems
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    Complete,
    Literal,
}

fn canonical<P: Params>(given: &Given) -> (Given, Vec<ParamProblem>) {
    let fields = P::fields();
    let mut canonical = Given::new();
    let mut problems = Vec::new();
    for (name, value) in given {
        let field = fields.iter().find(|field| field.name == &**name || field.aliases.contains(&&**name));
        match field {
            Some(field) if value == &Value::Null && field.kind != "raw" => {
                // as Ansible: null counts as not given
                let _ = field;
            }
            Some(field) => drop(canonical.insert(Arc::from(field.name), value.clone())),
            None if P::open() => drop(canonical.insert(Arc::clone(name), value.clone())),
            None => {
                let known =
                    fields.iter().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied()));
                problems.push(ParamProblem {
                    parameter: Some(name.to_string()),
                    kind: Kind::UnknownParameter,
                    message: format!(
                        "unsupported parameter `{name}`, supported are: {}",
                        fields.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")
                    ),
                    hint: names::did_you_mean(name, known),
                });
            }
        }
    }
    (canonical, problems)
}

fn rules<P: Params>(given: &Given, problems: &mut Vec<ParamProblem>, strictness: Strictness) {
    let mut problem = |message: String| {
        problems.push(ParamProblem { parameter: None, kind: Kind::Parameters, message, hint: None });
    };
    let missing: Vec<_> = P::fields()
        .into_iter()
        .filter(|f| f.required && !given.contains_key(f.name))
        .map(|f| f.name)
        .collect();
    if !missing.is_empty() {
        problem(format!("missing required arguments: {}", missing.join(", ")));
    }
    for rule in P::rules() {
        let count = |names: &[&str]| names.iter().filter(|name| given.contains_key(**name)).count();
        let surely = |name: &str| {
            given.get(name).is_some_and(|value| strictness == Strictness::Complete || value.is_literal())
        };
        let certain = |names: &[&str]| names.iter().filter(|name| surely(name)).count();
        match rule {
            Rule::MutuallyExclusive(names) if certain(names) > 1 => {
                problem(format!("parameters are mutually exclusive: {}", names.join("|")));
            }
            Rule::RequiredTogether(names) if certain(names) > 0 && count(names) < names.len() => {
                problem(format!("parameters are required together: {}", names.join(", ")));
            }
            Rule::RequiredOneOf(names) if count(names) == 0 => {
                problem(format!("one of the following is required: {}", names.join(", ")));
            }
            Rule::RequiredIf(name, value, needs) => {
                let found = given.get(name);
                if strictness == Strictness::Literal && found.is_some_and(|found| !found.is_literal()) {
                    continue;
                }
                let default = || P::fields().into_iter().find(|f| f.name == name).and_then(|f| f.default);
                let is = found.map_or_else(
                    || default().is_some_and(|default| default() == value),
                    |found| found.to_text() == value,
                );
                let lacking: Vec<_> =
                    needs.iter().copied().filter(|need| !given.contains_key(*need)).collect();
                if is && !lacking.is_empty() {
                    let lacking = lacking.join(", ");
                    problem(format!("{name} is {value} but all of the following are missing: {lacking}"));
                }
            }
            Rule::RequiredBy(name, needs) if surely(name) => {
                let lacking: Vec<_> =
                    needs.iter().copied().filter(|need| !given.contains_key(*need)).collect();
                if !lacking.is_empty() {
                    problem(format!("missing parameter(s) required by '{name}': {}", lacking.join(", ")));
                }
            }
            Rule::MutuallyExclusive(_)
            | Rule::RequiredTogether(_)
            | Rule::RequiredOneOf(_)
            | Rule::RequiredBy(..) => {}
        }
    }
}

/// Reads one parameter; for [`params!`].
pub fn read_field<T: ParamValue>(
    name: &str,
    given: &Given,
    default: Option<T>,
    problems: &mut Vec<ParamProblem>,
) -> Option<T> {
    match given.get(name) {
        None => default.or_else(T::absent),
        Some(value) => match T::read(value) {
            Ok(read) => Some(read),
            Err(message) => {
                let hint =
                    value.as_str().and_then(|text| names::did_you_mean(text, T::CHOICES.iter().copied()));
                problems.push(ParamProblem {
                    parameter: Some(name.to_owned()),
                    kind: Kind::BadValue,
                    message: if T::CHOICES.is_empty() {
                        format!("argument '{name}' is of type {} and {message}", value.type_name())
                    } else {
                        format!(
                            "value of {name} must be one of: {}, got: {}",
                            T::CHOICES.join(", "),
                            value.to_text()
                        )
                    },
                    hint,
                });
                None
            }
        },
    }
}

/// Declares a module's parameters.
///
/// ```ignore
/// params! {
///     /// Parameters of `file`.
///     pub struct File {
///         /// The path that is managed.
///         path: PathText, aliases ["dest", "name"];
///         /// What it shall be.
///         state: Option<State>;
///         /// Whether links are followed.
///         follow: bool = true;
///         /// A secret.
///         r#type: Option<String>, @secret;
///     }
///     include { attributes: FileAttributes }
///     rules [Rule::MutuallyExclusive(&["src", "content"])]
/// }
/// ```
/// A field is required when its type is not an `Option` (or a list) and it has no default. `include` takes groups
/// of parameters that several modules share. The doc comment must say units and the default's meaning.
#[macro_export]
macro_rules! params {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[doc = $doc:literal])+ $field:ident : $type:ty $(= $default:expr)? $(, aliases [$($alias:literal),+ $(,)?])? $(, @$secret:ident)?;)*
        }
        $(include { $($group:ident : $group_type:ty),+ $(,)? })?
        $(rules [$($rule:expr),+ $(,)?])?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        #[allow(dead_code, reason = "some parameters are accepted and mean nothing here")]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)*
            $($(#[doc = "parameters shared with other modules"] pub $group: $group_type,)+)?
        }

        impl $crate::modules::params::Params for $name {
            fn fields() -> Vec<$crate::modules::params::Field> {
                #[allow(unused_mut, reason = "only with included groups")]
                let mut fields = vec![$($crate::modules::params::Field {
                    name: stringify!($field).trim_start_matches("r#"),
                    aliases: &[$($($alias),+)?],
                    kind: <$type as $crate::modules::params::ParamValue>::KIND,
                    elements: <$type as $crate::modules::params::ParamValue>::ELEMENTS,
                    required: {
                        #[allow(unused_mut, unused_assignments, reason = "set where there is a default")]
                        let mut has_default = false;
                        $(let _ = stringify!($default); has_default = true;)?
                        !has_default && <$type as $crate::modules::params::ParamValue>::absent().is_none()
                    },
                    default: {
                        #[allow(unused_mut, unused_assignments, reason = "set where there is a default")]
                        let mut default: Option<fn() -> String> = None;
                        $(default = Some(|| {
                            let default: $type = ($default).into();
                            <$type as $crate::modules::params::ParamValue>::shown(&default)
                        });)?
                        default
                    },
                    choices: <$type as $crate::modules::params::ParamValue>::CHOICES,
                    doc: concat!($($doc, "\n"),+),
                    secret: {
                        #[allow(unused_mut, unused_assignments, reason = "set where it is secret")]
                        let mut secret = false;
                        $(secret = stringify!($secret) == "secret";)?
                        secret
                    },
                },)*];
                $($(fields.extend(<$group_type as $crate::modules::params::Params>::fields());)+)?
                fields
            }

            fn rules() -> Vec<$crate::modules::params::Rule> {
                #[allow(unused_mut, reason = "only with included groups")]
                let mut rules: Vec<$crate::modules::params::Rule> = vec![$($($rule),+)?];
                $($(rules.extend(<$group_type as $crate::modules::params::Params>::rules());)+)?
                rules
            }

            fn read(
                given: &$crate::modules::params::Given,
                problems: &mut Vec<$crate::modules::params::ParamProblem>,
            ) -> Option<Self> {
                let _ = (given, &problems);
                // each field is read before any is asked for, so that all problems are found
                $(let $field: Option<$type> = {
                    #[allow(unused_mut, unused_assignments, reason = "set where there is a default")]
                    let mut default: Option<$type> = None;
                    $(default = Some(($default).into());)?
                    let name = stringify!($field).trim_start_matches("r#");
                    $crate::modules::params::read_field::<$type>(name, given, default, problems)
                };)*
                $($(let $group = <$group_type as $crate::modules::params::Params>::read(given, problems);)+)?
                Some(Self { $($field: $field?,)* $($($group: $group?,)+)? })
            }
        }
    };
}

/// Declares the values that a parameter may have.
///
/// ```ignore
/// choices! {
///     /// What a path shall be.
///     pub enum State { Absent = "absent", Directory = "directory" }
/// }
/// ```
#[macro_export]
macro_rules! choices {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "named after the values")]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// The value's text.
            #[allow(dead_code, reason = "not every module shows it")]
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl $crate::modules::params::ParamValue for $name {
            const KIND: &'static str = "str";
            const CHOICES: &'static [&'static str] = &[$($text),+];
            fn read(value: &$crate::base::Value) -> Result<Self, String> {
                let text = <String as $crate::modules::params::ParamValue>::read(value)?;
                match text.as_str() {
                    $($text => Ok(Self::$variant),)+
                    other => $crate::modules::params::boolean_choice(value, Self::CHOICES)
                        .and_then(|text| match text { $($text => Some(Self::$variant),)+ _ => None })
                        .ok_or_else(|| format!("{other} is not a choice")),
                }
            }
            fn shown(&self) -> String {
                self.text().to_owned()
            }
        }
    };
}

/// A choice that was written as YAML's `yes` or `no` and arrived as a boolean, as Ansible maps it back where one alone can
/// be meant.
pub fn boolean_choice(value: &Value, choices: &[&'static str]) -> Option<&'static str> {
    let words: &[&str] = match value {
        Value::Bool(true) => &["y", "yes", "on", "1", "true", "t", "True"],
        Value::Bool(false) => &["n", "no", "off", "0", "false", "f", "False"],
        _ => return None,
    };
    let mut meant = choices.iter().copied().filter(|choice| words.contains(choice));
    meant.next().filter(|_| meant.next().is_none())
}

#[cfg(test)]
mod tests;
