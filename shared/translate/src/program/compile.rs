//! From source to something that runs.

use vrl::compiler::state::ExternalEnv;
use vrl::compiler::{CompilationResult, CompileConfig, Compiler, TypeState};
use vrl::diagnostic::DiagnosticList;
use vrl::parser;
use vrl::path::{OwnedTargetPath, OwnedValuePath, PathPrefix};
use vrl::value::Kind;
use vrl::value::kind::Collection;

use super::copies::{self, Marked, Reach};
use super::deep_stack::{MAX_NESTING, too_deep};
use super::known_kinds::kind_of;
use super::report::{CompileError, Problem};
use super::row_path::RowPath;
use super::stand_in::name_of;
use super::syntax::{self, Read};
use super::{functions, growth, scope::Scope};
use crate::shape::Shape;

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
    /// What the root may be where it ends.
    pub(super) root: Kind,
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
    let objection = |place: &Read| {
        let (message, help) = scope.objection(&place.path)?;
        Some(Problem::at(
            source,
            place.span,
            message,
            "",
            [help.as_str()],
        ))
    };
    let mut problems: Vec<Problem> = overview.reads.iter().filter_map(objection).collect();
    if scope.has_row() {
        // Elsewhere nothing can be assigned, and the compiler says so.
        problems.extend(overview.writes.iter().filter_map(objection));
    }
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
    let marked = copies::mark(ast.clone(), scope.copied_from(), reach);
    compile_marked(name, source, ast, marked, scope)
}

/// Compiles what was parsed, and marked.
pub(super) fn compile_marked(
    name: &str,
    source: &str,
    ast: parser::Program,
    marked: Marked,
    scope: &Scope,
) -> Result<Program, CompileError> {
    let reads_root = syntax::overview(&ast)
        .reads
        .iter()
        .any(|read| read.path.path.is_root());
    let plain = types_of(ast, scope, &[])
        .map_err(|diagnostics| CompileError::from_compiler(name, source, diagnostics))?;
    let end = plain.final_type_info();
    let kind = end.result.kind().union(end.result.returns().clone());
    let root = end.state.external.target_kind().clone();

    // The stand-ins are typed like what they stand for, so what compiles without them
    // compiles with them; should it not, nothing is copied, and all is still exact.
    let (vrl, copied) = match types_of(marked.program, scope, &marked.copies) {
        Ok(vrl) => (vrl, marked.copies),
        Err(_) => (plain, Vec::new()),
    };
    let mut reads: Vec<Slot> = Vec::new();
    for at in &vrl.info().target_queries {
        let known = reads.iter().any(|slot| slot.at == *at);
        // The compiler lists the root for each call of `get`, which is given what it
        // gets from.
        let real = !at.path.is_root() || reads_root;
        let in_row = scope.has_row() && RowPath::of(at).is_some();
        if at.prefix == PathPrefix::Event && real && !in_row && !known {
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
        root,
    })
}

fn stand_in_path(number: usize) -> OwnedTargetPath {
    OwnedTargetPath::metadata(OwnedValuePath::single_field(&name_of(number)))
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
            (name_of(number).into(), kind)
        })
        .collect();
    let state = TypeState {
        external: ExternalEnv::new_with_kind(
            kind_of(scope.root()),
            Kind::object(Collection::from_parts(stand_ins, Kind::undefined())),
        ),
        ..TypeState::default()
    };
    Compiler::compile(functions::all(), ast, &state, what_is_read_only(scope))
        .map(|CompilationResult { program, .. }| program)
}

fn what_is_read_only(scope: &Scope) -> CompileConfig {
    let mut config = CompileConfig::default();
    if !scope.has_row() {
        config.set_read_only();
        return config;
    }
    config.set_read_only_path(OwnedTargetPath::metadata_root(), true);
    // What is above a place that is read-only is so, too.
    for place in scope.read_only_places() {
        let path = OwnedTargetPath::event(OwnedValuePath::single_field(place));
        config.set_read_only_path(path, true);
    }
    config
}
