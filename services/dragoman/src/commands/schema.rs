//! `dragoman schema`.

use clap::Args;

use crate::failure::Failure;
use crate::{output, schema};

/// Print the JSON Schema of dragoman.yaml, for editors
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dragoman schema > dragoman.schema.json\n  and as the first line of dragoman.yaml:\n  # yaml-language-server: $schema=dragoman.schema.json"
)]
pub(crate) struct SchemaCommand {
    /// Print the reference of the configuration instead, in Markdown
    #[arg(long)]
    markdown: bool,
    /// Print what the hub answers when it does not take a request, in Markdown
    #[arg(long, conflicts_with = "markdown")]
    problems: bool,
}

impl SchemaCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let text = if self.markdown {
            schema::configuration_page()
        } else if self.problems {
            dragoman_ingest::problems_page()
        } else {
            schema::editor_schema()
        };
        output::line(text.trim_end())
    }
}
