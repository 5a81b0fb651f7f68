//! Being told to stop.

use tokio::signal::unix::{SignalKind, signal};

use crate::StageError;

/// Waits for SIGINT (Ctrl-C) or SIGTERM. From the first call on they do not end the
/// process by themselves, so that what it has started can be ended with it.
///
/// # Errors
/// When the system does not let it listen.
pub async fn interrupted() -> Result<(), StageError> {
    let listen = |kind| signal(kind).map_err(StageError::system("listening for signals"));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
