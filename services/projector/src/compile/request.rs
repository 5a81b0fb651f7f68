//! A projection to a receiver by HTTP: from its options to its effect.

use std::time::Duration;

use dragoman_core::{Backoff, chain};
use dragoman_outbound::{Endpoint, EndpointOptions};
use dragoman_settings::Period;
use dragoman_translate::{Condition, RequestProgram};

use super::{Catalogue, Compiler};
use crate::{Effect, HttpSinkOptions, ProjectionOptions, RequestEffect, RetryOptions, RetryRule};

const CONCURRENCY: u16 = 16;
const TIMEOUT: Period = Period::from_secs(10);
const FIRST_WAIT: Period = Period::from_millis(200);
const LONGEST_WAIT: Period = Period::from_secs(5 * 60);
const PATIENCE: Period = Period::from_secs(72 * 60 * 60);

impl Compiler<'_> {
    /// The effect on a receiver, if nothing is wrong.
    pub(super) fn request_effect(
        &mut self,
        options: &ProjectionOptions,
        sink: &HttpSinkOptions,
        catalogue: &Catalogue<'_>,
    ) -> Option<Effect> {
        self.no_rows(options);
        self.says_where_it_begins(options, "what it sends");
        self.topics_in_order(options, catalogue, "sent");
        let program = self.request_program(options, catalogue);
        let success = self.condition(&["sink", "success"], sink.success.as_deref());
        let retry = self.retry_rule(&sink.retry);
        let concurrency = sink.concurrency.unwrap_or(CONCURRENCY);
        if concurrency == 0 {
            self.problem(
                &["sink", "concurrency"],
                "with no request at a time none would ever be made",
                "write 1 or more, or leave it out",
            );
        }
        let endpoint = EndpointOptions {
            url: sink.url.clone(),
            auth: sink.auth.clone(),
            timeout: sink.timeout.unwrap_or(TIMEOUT).duration(),
            private_network: sink.private_network,
        };
        if let Err(error) = Endpoint::new(&endpoint) {
            let path: Vec<&str> = std::iter::once("sink")
                .chain(error.path().iter().copied())
                .collect();
            self.problem(&path, chain(&error), "docs/requests.md shows every option");
        }
        Some(Effect::Requests(Box::new(RequestEffect {
            endpoint,
            program: program?,
            success: success?,
            retry: retry?,
            concurrency: usize::from(concurrency),
            rate: sink.rate,
        })))
    }

    fn no_rows(&mut self, options: &ProjectionOptions) {
        self.say_nothing(
            [
                ("each", options.each.is_some()),
                ("key", !options.key.is_empty()),
                ("columns", !options.columns.is_empty()),
                ("fold", options.fold.is_some()),
                ("execute", !options.execute.is_empty()),
            ],
            "a projection to a receiver has no rows",
            "`request` says what is sent for an event",
        );
    }

    fn request_program(
        &mut self,
        options: &ProjectionOptions,
        catalogue: &Catalogue<'_>,
    ) -> Option<RequestProgram> {
        let Some(file) = &options.request else {
            self.problem(
                &["sink"],
                "nothing says what is sent for an event",
                "add `request:` with a file, as in requests/crm.vrl, that yields { method, path, headers, body }",
            );
            return None;
        };
        let source = self.source(&["request"], file)?;
        let scope = Self::scope(options, catalogue);
        match RequestProgram::compile(&file.to_string(), &source, &scope) {
            Ok(program) => Some(program),
            Err(error) => {
                self.file_does_not_compile(&["request"], file.path(), error);
                None
            }
        }
    }

    /// `None`: it does not compile; `Some(None)`: there is none.
    #[allow(clippy::option_option, reason = "what is missing is no mistake")]
    fn condition(&mut self, path: &[&str], source: Option<&str>) -> Option<Option<Condition>> {
        let Some(source) = source else {
            return Some(None);
        };
        match Condition::compile(&self.program_name(path), source) {
            Ok(condition) => Some(Some(condition)),
            Err(error) => {
                self.does_not_compile(path, &error);
                None
            }
        }
    }

    fn retry_rule(&mut self, options: &RetryOptions) -> Option<RetryRule> {
        let on = self.condition(&["sink", "retry", "on"], options.on.as_deref())?;
        let first = options.first.unwrap_or(FIRST_WAIT).duration();
        let max = options.max.unwrap_or(LONGEST_WAIT).duration();
        if first < Duration::from_millis(1) || max < first {
            self.problem(
                &["sink", "retry"],
                "the waits between tries must grow from `first`, which is more than nothing, to `max`",
                "write, for example, retry: { first: 200ms, max: 5m, for: 72h }",
            );
        }
        Some(RetryRule {
            backoff: Backoff::new(first, max),
            patience: options.patience.unwrap_or(PATIENCE).duration(),
            on,
        })
    }
}
