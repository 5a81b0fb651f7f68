//! `kind: webhook`: deliveries in the sender's own form, verified and mapped.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use dragoman_core::MAX_NAME_BYTES;
use dragoman_settings::{FilePath, FolderPath, Text};
use dragoman_translate::{Mapping, Schema};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Adapter, AdapterProblem};
use crate::decode::Decoder;
use crate::verify::Verifier;
use crate::{Decode, Schemas, VerifyOptions};

/// Deliveries in the sender's own form: verified, decoded, mapped to events.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookOptions {
    /// The source of its events. Left out: `/hooks/` and the adapter's name. No key and
    /// no database role may write it too: a source has one door.
    #[serde(default)]
    pub source: Option<Text>,
    /// How a delivery proves where it comes from.
    pub verify: VerifyOptions,
    /// In which form deliveries come.
    #[serde(default)]
    pub decode: Decode,
    /// What is an array even when it is there once: paths of elements from the outermost
    /// on (`Order.OrderLine`), or names of fields of a form.
    #[serde(default)]
    pub arrays: Vec<String>,
    /// The program (VRL) that makes events of a delivery. It sees `.body`, `.headers`,
    /// `.query` and `.received`, and yields `{ id, type, subject, time?, data }`, an
    /// array of such, or null for what is nothing for us.
    pub map: FilePath,
    /// A folder of examples that `dragoman check` runs: NAME.request.json with
    /// `{ headers, query, body }`, and NAME.events.json with what must come of it.
    #[serde(default)]
    pub samples: Option<FolderPath>,
}

/// A webhook that is ready to work.
#[derive(Debug)]
pub(crate) struct Webhook {
    pub(crate) name: Arc<str>,
    pub(crate) source: String,
    pub(crate) verifier: Box<dyn Verifier>,
    pub(crate) decoder: Decoder,
    pub(crate) mapping: Mapping,
    pub(crate) mapping_file: PathBuf,
    pub(crate) samples: Option<PathBuf>,
}

impl WebhookOptions {
    pub(super) fn compile(
        &self,
        name: &str,
        schemas: &Schemas,
    ) -> Result<Adapter, Vec<AdapterProblem>> {
        let source = match &self.source {
            Some(source) => source.as_str().to_owned(),
            None => format!("/hooks/{name}"),
        };
        let mut problems = Vec::new();
        if source.is_empty()
            || source.len() > MAX_NAME_BYTES
            || source.chars().any(char::is_control)
        {
            problems.push(AdapterProblem::new(
                name,
                &["source"],
                "this cannot be the source of events",
                format!("write 1 to {MAX_NAME_BYTES} bytes of printable text, as in /payments"),
            ));
        }
        if self.decode == Decode::Json && !self.arrays.is_empty() {
            problems.push(AdapterProblem::new(
                name,
                &["arrays"],
                "JSON says itself what is an array",
                "leave `arrays` out, or say `decode: xml` or `decode: form`",
            ));
        }
        let verifier = self.verify.compile().map_err(|found| {
            problems.extend(found.into_iter().map(|problem| {
                let keys: Vec<&str> = std::iter::once("verify")
                    .chain(problem.path.iter().map(String::as_str))
                    .collect();
                AdapterProblem::new(name, &keys, problem.message, problem.remedy)
            }));
        });
        let mapping = self
            .mapping(name, schemas)
            .map_err(|found| problems.extend(found));
        match (verifier, mapping) {
            (Ok(verifier), Ok(mapping)) if problems.is_empty() => {
                Ok(Adapter::Webhook(Box::new(Webhook {
                    name: name.into(),
                    source,
                    verifier,
                    decoder: Decoder {
                        form: self.decode,
                        arrays: self.arrays.iter().cloned().collect(),
                    },
                    mapping,
                    mapping_file: self.map.path().to_owned(),
                    samples: self.samples.as_ref().map(|folder| folder.path().to_owned()),
                })))
            }
            _ => Err(problems),
        }
    }

    fn mapping(&self, name: &str, schemas: &Schemas) -> Result<Mapping, Vec<AdapterProblem>> {
        let file = self.map.path();
        let text = self.map.read().map_err(|error| {
            vec![AdapterProblem::new(
                name,
                &["map"],
                format!("the mapping {} cannot be read ({error})", file.display()),
                "make it readable, as UTF-8 text",
            )]
        })?;
        let of_program = |error| AdapterProblem::of_program(name, "map", file, error);
        let mapping = Mapping::compile(&file.display().to_string(), &text).map_err(of_program)?;
        let catalogue: BTreeMap<String, Option<&Schema>> = schemas
            .iter()
            .map(|(event_type, schema)| (event_type.clone(), schema.as_ref()))
            .collect();
        mapping.check(&catalogue).map_err(of_program)?;
        Ok(mapping)
    }
}
