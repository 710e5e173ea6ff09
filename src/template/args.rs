//! Arguments of calls, bound to parameter names as Python binds them.

use std::sync::Arc;

use super::fail::{Res, bail};
use super::val::Val;
use crate::base::names;

/// The arguments of a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Args {
    /// Without a name.
    pub positional: Vec<Val>,
    /// With a name.
    pub named: Vec<(Arc<str>, Val)>,
}

impl Args {
    /// The values of parameters.
    ///
    /// # Errors
    /// Too many arguments, a name that is none of the parameters, or one that is given twice.
    pub(super) fn bind<const N: usize>(&self, what: &str, parameters: [&str; N]) -> Res<[Option<Val>; N]> {
        let mut bound = [const { None }; N];
        if self.positional.len() > N {
            return bail(format!(
                "`{what}` takes {}, {} were given",
                names::count(N, "argument"),
                self.positional.len()
            ));
        }
        for (slot, value) in bound.iter_mut().zip(&self.positional) {
            *slot = Some(value.clone());
        }
        for (name, value) in &self.named {
            let Some((_, slot)) =
                parameters.iter().zip(bound.iter_mut()).find(|(known, _)| **known == &**name)
            else {
                let hint =
                    names::did_you_mean(name, parameters).map_or(String::new(), |hint| format!(", {hint}"));
                return bail(format!("`{what}` has no argument `{name}`{hint}"));
            };
            if slot.replace(value.clone()).is_some() {
                return bail(format!("`{what}` got its argument `{name}` twice"));
            }
        }
        Ok(bound)
    }

    /// That there are none.
    pub(super) fn none(&self, what: &str) -> Res<()> {
        self.bind(what, []).map(|[]| ())
    }

    /// The named argument.
    pub(super) fn take(&mut self, name: &str) -> Option<Val> {
        let at = self.named.iter().position(|(known, _)| &**known == name)?;
        Some(self.named.remove(at).1)
    }
}

/// An argument that has to be there.
pub(super) fn required(value: Option<Val>, what: &str, name: &str) -> Res<Val> {
    match value {
        Some(value) => Ok(value),
        None => bail(format!("`{what}` needs its argument `{name}`")),
    }
}
