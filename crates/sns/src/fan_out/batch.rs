//! What is written in one commit, and what is told of it afterwards.

use store::{CommitError, Transaction};
use targets::{Prepared, Settled};

use crate::Sns;
use crate::message::Publication;
use crate::stories::{Fate, Note, tell};
use crate::topics::Topic;

/// What is written in one commit.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) transaction: Transaction,
    /// What others write of it.
    prepared: Vec<Prepared>,
    notes: Vec<Note>,
    /// Whether it has deliveries for the background.
    pub(crate) deliveries: bool,
    /// Whether it has publications for the background.
    pub(crate) publications: bool,
}

impl Batch {
    /// With what has to be written anyway.
    pub(crate) fn new(transaction: Transaction) -> Self {
        Self { transaction, prepared: Vec::new(), notes: Vec::new(), deliveries: false, publications: false }
    }

    /// Takes in what another service has to write.
    pub(crate) fn join(&mut self, mut prepared: Prepared) {
        prepared.join(&mut self.transaction);
        self.prepared.push(prepared);
    }

    /// To be told once it is committed.
    pub(crate) fn note(&mut self, topic: &Topic, publication: &Publication, fate: Fate) {
        self.tell(Note::new(topic, &publication.id, fate));
    }

    /// To be told once it is committed.
    pub(crate) fn tell(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// To be told once it is committed: that nothing more happens to the message, if that is so.
    pub(crate) fn note_end(&mut self, topic: &Topic, publication: &Publication) {
        if !self.notes.iter().any(|note| note.is_pending(&publication.id)) {
            self.note(topic, publication, Fate::Ended);
        }
    }

    /// Writes it all, and tells everybody.
    ///
    /// # Errors
    /// Those of the commit.
    pub(crate) async fn commit(mut self, sns: &Sns) -> Result<(), CommitError> {
        // From the commit on it is due, and until it is under way time must not move on.
        let _hold = sns.parts.clock.hold();
        let transaction = std::mem::take(&mut self.transaction);
        match sns.parts.store.commit(transaction).await {
            Ok(_) => {
                self.settle(sns, Settled::Committed);
                Ok(())
            }
            Err(error) => {
                let unknown = matches!(error, CommitError::Unknown(_));
                self.settle(sns, if unknown { Settled::Unknown } else { Settled::Abandoned });
                Err(error)
            }
        }
    }

    /// Says how the commit that it was part of ended.
    pub(crate) fn settle(self, sns: &Sns, settled: Settled) {
        // Before the receivers tell what follows from it.
        if settled == Settled::Committed {
            tell(sns, self.notes);
        }
        for prepared in self.prepared {
            prepared.settle(settled);
        }
        if settled == Settled::Abandoned {
            return;
        }
        if self.deliveries {
            sns.deliveries.wake(&sns.parts.clock);
        }
        if self.publications {
            sns.publications.wake(&sns.parts.clock);
        }
    }
}
