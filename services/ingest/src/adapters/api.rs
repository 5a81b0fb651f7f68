//! `kind: api`: CloudEvents by HTTP, with a key of the hub.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Adapter, AdapterProblem};
use crate::Schemas;

/// The CloudEvents API. It has no options: who may write what is said by the keys.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiOptions {}

impl ApiOptions {
    #[expect(clippy::unnecessary_wraps, reason = "other kinds can be wrong")]
    pub(super) fn compile(&self, _: &str, _: &Schemas) -> Result<Adapter, Vec<AdapterProblem>> {
        Ok(Adapter::Api)
    }
}
