//! Which sandbox this host gets: the real one where it can be had, plain processes, loudly, where it cannot.

use std::path::Path;
use std::sync::Arc;

use sandbox::{Isolation, ProcessOptions, ProcessSandbox, SharedSandbox};
use tasks::Tasks;

use crate::StartError;

/// What is asked of a sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Plain processes even where the host could do better.
    pub(crate) process: bool,
    /// How many environments of each kind are kept ready.
    pub(crate) pool_size: usize,
    /// Where functions on the host's network reach the server.
    pub(crate) endpoint_url: Option<String>,
}

/// Starts the best sandbox that this host and the operator allow, with a directory of its own.
pub(crate) async fn start(
    wanted: Wanted,
    directory: &Path,
    tasks: &Tasks,
) -> Result<SharedSandbox, StartError> {
    if !wanted.process
        && let Some(sandbox) = linux(&wanted, directory, tasks).await?
    {
        return Ok(sandbox);
    }
    let plain = ProcessOptions { directory: directory.join("process"), endpoint_url: wanted.endpoint_url };
    let sandbox = ProcessSandbox::new(plain).map_err(|error| StartError::directory(directory, &error))?;
    Ok(Arc::new(sandbox))
}

#[cfg(target_os = "linux")]
async fn linux(
    wanted: &Wanted,
    directory: &Path,
    tasks: &Tasks,
) -> Result<Option<SharedSandbox>, StartError> {
    use sandbox::{LinuxOptions, LinuxSandbox, PoolSizes};

    let state_dir = directory.join("boxes");
    std::fs::create_dir_all(&state_dir).map_err(|error| StartError::directory(&state_dir, &error))?;
    let mut options = LinuxOptions::new(state_dir);
    options.pools = PoolSizes { jails: wanted.pool_size, prepared: wanted.pool_size, ..PoolSizes::default() };
    options.endpoint_url.clone_from(&wanted.endpoint_url);
    match LinuxSandbox::start(options, tasks.clone()).await {
        Ok(sandbox) => Ok(Some(Arc::new(sandbox))),
        Err(unavailable) => {
            tracing::warn!(%unavailable, "functions will run as plain processes");
            Ok(None)
        }
    }
}

#[cfg(not(target_os = "linux"))]
async fn linux(_: &Wanted, _: &Path, _: &Tasks) -> Result<Option<SharedSandbox>, StartError> {
    Ok(None)
}

/// Makes a sandbox in an empty directory and says what it consists of, without a server.
///
/// # Errors
/// When the directory cannot be used.
pub async fn probe_isolation(directory: &Path) -> Result<Isolation, StartError> {
    let tasks = Tasks::new();
    let wanted = Wanted { process: false, pool_size: 0, endpoint_url: None };
    let sandbox = start(wanted, directory, &tasks).await?;
    let isolation = sandbox.isolation();
    sandbox.shut_down().await;
    tasks.drain().await;
    Ok(isolation)
}
