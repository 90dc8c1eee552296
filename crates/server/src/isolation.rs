//! Which sandbox this host gets: the real one where it can be had, plain processes, loudly, where it cannot.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use sandbox::{ProcessOptions, ProcessSandbox, SharedSandbox};
use tasks::Tasks;

use crate::{Options, StartError};

/// Starts the best sandbox that this host and the operator allow.
pub(crate) async fn start(
    options: &Options,
    directory: &Path,
    endpoint: &str,
    tasks: &Tasks,
) -> Result<SharedSandbox, StartError> {
    if !options.process_sandbox
        && let Some(sandbox) = linux(options, directory, tasks).await?
    {
        return Ok(sandbox);
    }
    let plain = ProcessOptions {
        directory: directory.join("process"),
        endpoint_url: Some(endpoint.to_owned()),
    };
    let sandbox = ProcessSandbox::new(plain).map_err(|error| StartError::directory(directory, &error))?;
    Ok(Arc::new(sandbox))
}

#[cfg(target_os = "linux")]
async fn linux(
    options: &Options,
    directory: &Path,
    tasks: &Tasks,
) -> Result<Option<SharedSandbox>, StartError> {
    use sandbox::{LinuxOptions, LinuxSandbox, PoolSizes};

    let state_dir = directory.join("boxes");
    fs::create_dir_all(&state_dir).map_err(|error| StartError::directory(&state_dir, &error))?;
    let mut linux = LinuxOptions::new(state_dir);
    linux.pools = PoolSizes::each(options.pool_size);
    match LinuxSandbox::start(linux, tasks.clone()).await {
        Ok(sandbox) => Ok(Some(Arc::new(sandbox))),
        Err(unavailable) => {
            tracing::warn!(%unavailable, "functions will run as plain processes");
            Ok(None)
        }
    }
}

#[cfg(not(target_os = "linux"))]
async fn linux(_: &Options, _: &Path, _: &Tasks) -> Result<Option<SharedSandbox>, StartError> {
    Ok(None)
}
