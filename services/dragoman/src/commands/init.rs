//! `dragoman init`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::failure::Failure;
use crate::output;

/// Make a working project: configuration, a schema, a mapping with samples, a projection
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman init shop && cd shop && dragoman dev")]
pub(crate) struct Init {
    /// Where; made when it is missing
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
}

/// The files of a new project, embedded: a program without its sources can make one.
const FILES: [(&str, &str); 7] = [
    ("dragoman.yaml", include_str!("../../project/dragoman.yaml")),
    (
        "schemas/order.placed.json",
        include_str!("../../project/schemas/order.placed.json"),
    ),
    (
        "mappings/supplier.vrl",
        include_str!("../../project/mappings/supplier.vrl"),
    ),
    (
        "samples/supplier/receipt.request.json",
        include_str!("../../project/samples/supplier/receipt.request.json"),
    ),
    (
        "samples/supplier/receipt.events.json",
        include_str!("../../project/samples/supplier/receipt.events.json"),
    ),
    (".gitignore", include_str!("../../project/gitignore")),
    ("README.md", include_str!("../../project/README.md")),
];

/// A secret of the project's own, made now: nothing that works is the same in two projects.
const SECRET: &str = "secrets/supplier";

impl Init {
    pub(crate) fn run(self) -> Result<(), Failure> {
        refuse_to_overwrite(&self.folder)?;
        for (name, content) in FILES {
            write(&self.folder.join(name), content)?;
        }
        let secret = format!(
            "{}{}",
            uuid::Uuid::new_v4().simple(),
            uuid::Uuid::new_v4().simple()
        );
        write(&self.folder.join(SECRET), &secret)?;
        let editor_schema = crate::schema::editor_schema();
        write(&self.folder.join("dragoman.schema.json"), &editor_schema)?;
        output::line(&format!("made a project in {}", self.folder.display()))?;
        output::line("next:")?;
        if self.folder != Path::new(".") {
            output::line(&format!("  cd {}", self.folder.display()))?;
        }
        output::line("  dragoman check")?;
        output::line("  dragoman dev")
    }
}

fn refuse_to_overwrite(folder: &Path) -> Result<(), Failure> {
    let names = FILES.iter().map(|(name, _)| *name).chain([SECRET]);
    for name in names {
        let path = folder.join(name);
        if path.exists() {
            return Err(Failure::usage(
                format!("{} exists already, and nothing was written", path.display()),
                "name an empty folder: dragoman init DIR",
            ));
        }
    }
    Ok(())
}

fn write(path: &Path, content: &str) -> Result<(), Failure> {
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(path, content));
    written.map_err(|error| {
        Failure::failed(
            format!("{} cannot be written: {error}", path.display()),
            "choose a folder that you may write to",
        )
    })
}
