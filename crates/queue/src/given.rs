//! The last step of a message to its receiver.

use std::time::Duration;

use clock::Hold;

use crate::queue::Queue;
use crate::{Message, QueueError};

/// Messages whose receipt is committed. If nobody takes them, because their receiver has gone, they can be received at
/// once.
#[derive(Debug)]
pub(crate) struct Given {
    messages: Vec<Message>,
    /// Keeps virtual time still.
    hold: Hold,
    /// `None`: an attempt that is repeated gets them.
    back_to: Option<Queue>,
}

impl Given {
    pub(crate) const fn new(messages: Vec<Message>, hold: Hold, back_to: Option<Queue>) -> Self {
        Self { messages, hold, back_to }
    }

    pub(crate) fn take(mut self) -> (Vec<Message>, Hold) {
        (std::mem::take(&mut self.messages), std::mem::take(&mut self.hold))
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        let Some(queue) = self.back_to.take().filter(|_| !self.messages.is_empty()) else { return };
        let receipts = std::mem::take(&mut self.messages).into_iter().map(|message| message.receipt);
        let changes: Vec<_> = receipts.map(|receipt| (receipt, Duration::ZERO)).collect();
        let (hold, tasks) = (std::mem::take(&mut self.hold), queue.platform().tasks.clone());
        tasks.spawn("queue-return", async move {
            let results = queue.change_visibility(&changes).await;
            if let Some(Err(error @ QueueError::Store(_))) = results.into_iter().find(Result::is_err) {
                tracing::warn!(queue = queue.id().0, %error, "messages of a receiver that has gone stay hidden for now");
            }
            drop(hold);
        });
    }
}
