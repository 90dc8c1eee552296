//! The other end of a request.

use tokio_util::sync::CancellationToken;

/// Who waits for an answer, as far as it may stop waiting. Clones are of the same one; a new one stays.
#[derive(Debug, Clone, Default)]
pub struct Client(CancellationToken);

impl Client {
    /// Completes when nothing more comes from the client: most likely it is gone. It may have closed its sending side only,
    /// and still read: so an answer that is at hand is given, but nobody is kept waiting, and nothing is taken for it.
    pub async fn gone(&self) {
        self.0.cancelled().await;
    }

    /// Whether [`Client::gone`] would complete.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0.is_cancelled()
    }

    /// It is gone.
    pub fn hang_up(&self) {
        self.0.cancel();
    }
}
