//! From source to something that runs.

use std::thread;

use vrl::compiler::state::ExternalEnv;
use vrl::compiler::{CompilationResult, CompileConfig, Compiler, TypeState};
use vrl::diagnostic::DiagnosticList;
use vrl::parser;
use vrl::path::{OwnedTargetPath, OwnedValuePath, PathPrefix};
use vrl::value::Kind;
use vrl::value::kind::Collection;

use super::copies::{self, Reach};
use super::known_kinds::kind_of;
use super::report::{CompileError, Problem};
use super::syntax;
use super::{functions, growth, scope::Scope};
use crate::shape::Shape;

/// The longest program, in bytes.
const MAX_SOURCE: usize = 64 * 1024;
/// How deep the expressions of a program may be nested; each `else if` counts two.
const MAX_NESTING: usize = 256;
/// Parsing much deeper brackets than [`MAX_NESTING`] takes seconds.
const MAX_BRACKETS: usize = 1_000;
/// A compiler recurses, and its stack must bear whatever [`MAX_SOURCE`] bytes can be
/// before [`MAX_NESTING`] is looked at.
const STACK: usize = 512 * 1024 * 1024;

/// A program that runs.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) vrl: vrl::compiler::Program,
    /// What it reads; with what it copies, this is all that it is given.
    pub(super) reads: Vec<Slot>,
    /// What it only passes on into its result.
    pub(super) copies: Vec<Slot>,
    /// What it may yield.
    pub(super) kind: Kind,
}

/// Something that a program is given.
#[derive(Debug)]
pub(super) struct Slot {
    /// Where the program looks for it.
    pub(super) at: OwnedTargetPath,
    /// Where it comes from.
    pub(super) from: OwnedValuePath,
    /// What is known of it.
    pub(super) shape: Shape,
}

/// A program that was parsed and whose paths lead somewhere.
pub(super) struct Parsed {
    pub(super) ast: parser::Program,
    /// The path, if it is nothing else.
    pub(super) bare: Option<OwnedValuePath>,
}

/// Does `work`, on a program that is not monstrous, where the stack bears it.
pub(super) fn with_deep_stack<T: Send>(
    name: &str,
    source: &str,
    work: impl FnOnce() -> Result<T, CompileError> + Send,
) -> Result<T, CompileError> {
    if source.len() > MAX_SOURCE {
        return Err(CompileError::of_whole(
            name,
            source,
            "the program is longer than 64 KiB",
            "leave the rest to those who read the events",
        ));
    }
    if brackets(source) > MAX_BRACKETS {
        return Err(too_deep(name, source));
    }
    let outcome = thread::scope(|scope| {
        thread::Builder::new()
            .name("compile".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, work)
            .map(|compiling| compiling.join())
    });
    match outcome {
        Ok(Ok(result)) => result,
        Ok(Err(_)) | Err(_) => Err(CompileError::of_whole(
            name,
            source,
            "the compiler failed on this program",
            "write it another way, and report this with the program",
        )),
    }
}

/// How deep brackets are nested, those in texts and comments included.
fn brackets(source: &str) -> usize {
    let depths = source.bytes().scan(0_usize, |depth, byte| {
        match byte {
            b'(' | b'[' | b'{' => *depth += 1,
            b')' | b']' | b'}' => *depth = depth.saturating_sub(1),
            _ => {}
        }
        Some(*depth)
    });
    depths.max().unwrap_or(0)
}

fn too_deep(name: &str, source: &str) -> CompileError {
    CompileError::of_whole(
        name,
        source,
        &format!("expressions are nested more than {MAX_NESTING} deep"),
        "take parts out into variables",
    )
}

/// Parses a program, and looks where its paths lead.
pub(super) fn parse(name: &str, source: &str, scope: &Scope) -> Result<Parsed, CompileError> {
    let ast = parser::parse(source).map_err(|error| {
        let diagnostics = DiagnosticList::from(vec![
            Box::new(error) as Box<dyn vrl::diagnostic::DiagnosticMessage>
        ]);
        CompileError::from_compiler(name, source, diagnostics)
    })?;
    if ast.0.is_empty() {
        return Err(CompileError::of_whole(
            name,
            source,
            "the program is empty",
            "let its last expression be what it yields",
        ));
    }
    let overview = syntax::overview(&ast);
    if overview.depth > MAX_NESTING {
        return Err(too_deep(name, source));
    }
    let mut problems: Vec<Problem> = overview
        .reads
        .iter()
        .filter_map(|read| {
            let (message, help) = scope.objection(&read.path)?;
            Some(Problem::at(source, read.span, message, "", [help.as_str()]))
        })
        .collect();
    problems.extend(
        growth::self_nested(&ast)
            .into_iter()
            .map(|(variable, span)| {
                Problem::at(
                    source,
                    span,
                    format!("this nests `{variable}` in itself, once for each element"),
                    "",
                    ["gather the elements in an array with push(…)"],
                )
            }),
    );
    problems.extend(syntax::local_times(&ast).into_iter().map(|span| {
        Problem::at(
            source,
            span,
            "the time zone of the machine is not known to programs",
            "",
            ["name a zone, as in \"Europe/Berlin\", or leave it out for UTC"],
        )
    }));
    if !problems.is_empty() {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        return Err(CompileError {
            name: name.to_owned(),
            problems,
        });
    }
    let bare = syntax::bare_path(&ast).map(|(path, _)| path);
    Ok(Parsed { ast, bare })
}

/// Compiles what was parsed.
pub(super) fn compile(
    name: &str,
    source: &str,
    ast: parser::Program,
    scope: &Scope,
    reach: Reach,
) -> Result<Program, CompileError> {
    let plain = types_of(ast.clone(), scope, &[])
        .map_err(|diagnostics| CompileError::from_compiler(name, source, diagnostics))?;
    let result = plain.final_type_info().result;
    let kind = result.kind().union(result.returns().clone());

    let reads_root = syntax::overview(&ast)
        .reads
        .iter()
        .any(|read| read.path.path.is_root());
    let (marked, copied) = copies::mark(ast, scope.copied_from(), reach);
    // The stand-ins are typed like what they stand for, so what compiles without them
    // compiles with them; should it not, nothing is copied, and all is still exact.
    let (vrl, copied) = match types_of(marked, scope, &copied) {
        Ok(vrl) => (vrl, copied),
        Err(_) => (plain, Vec::new()),
    };
    let mut reads: Vec<Slot> = Vec::new();
    for at in &vrl.info().target_queries {
        let known = reads.iter().any(|slot| slot.at == *at);
        // The compiler lists the root for each call of `get`, which is given what it
        // gets from.
        let real = !at.path.is_root() || reads_root;
        if at.prefix == PathPrefix::Event && real && !known {
            reads.push(Slot {
                at: at.clone(),
                from: at.path.clone(),
                shape: scope.shape_at(&at.path, false),
            });
        }
    }
    let copies = copied
        .into_iter()
        .enumerate()
        .map(|(number, from)| Slot {
            at: stand_in_path(number),
            shape: scope.shape_at(&from, false),
            from,
        })
        .collect();
    Ok(Program {
        name: name.to_owned(),
        source: source.to_owned(),
        vrl,
        reads,
        copies,
        kind,
    })
}

fn stand_in_path(number: usize) -> OwnedTargetPath {
    OwnedTargetPath::metadata(OwnedValuePath::single_field(&copies::name_of(number)))
}

/// Compiles a syntax tree whose stand-ins stand for `copied`.
pub(super) fn types_of(
    ast: parser::Program,
    scope: &Scope,
    copied: &[OwnedValuePath],
) -> Result<vrl::compiler::Program, DiagnosticList> {
    let stand_ins = copied
        .iter()
        .enumerate()
        .map(|(number, from)| {
            let kind = kind_of(&scope.shape_at(from, false));
            (copies::name_of(number).into(), kind)
        })
        .collect();
    let state = TypeState {
        external: ExternalEnv::new_with_kind(
            kind_of(scope.root()),
            Kind::object(Collection::from_parts(stand_ins, Kind::undefined())),
        ),
        ..TypeState::default()
    };
    let mut config = CompileConfig::default();
    config.set_read_only();
    Compiler::compile(functions::all(), ast, &state, config)
        .map(|CompilationResult { program, .. }| program)
}
