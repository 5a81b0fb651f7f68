//! Addresses that nobody has.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::StageError;

/// A free port on the loopback interface. Somebody else may take it before it is used;
/// on a machine for development that is rare enough.
///
/// # Errors
/// When there is none.
pub fn free_address() -> Result<SocketAddr, StageError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(StageError::system("looking for a free port"))
}
