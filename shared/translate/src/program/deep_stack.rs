//! Room for the compiler, which recurses.

use std::thread;

use super::CompileError;

/// The longest program, in bytes.
const MAX_SOURCE: usize = 64 * 1024;
/// How deep the expressions of a program may be nested; each `else if` counts two.
pub(super) const MAX_NESTING: usize = 256;
/// Parsing much deeper brackets than [`MAX_NESTING`] takes seconds.
const MAX_BRACKETS: usize = 1_000;
/// A compiler recurses, and its stack must bear whatever [`MAX_SOURCE`] bytes can be
/// before [`MAX_NESTING`] is looked at.
const STACK: usize = 512 * 1024 * 1024;

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

pub(super) fn too_deep(name: &str, source: &str) -> CompileError {
    CompileError::of_whole(
        name,
        source,
        &format!("expressions are nested more than {MAX_NESTING} deep"),
        "take parts out into variables",
    )
}
