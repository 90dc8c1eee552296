//! How much is kept, and how much may wait.

/// Steps that are kept.
pub const STEPS_MAX: u64 = 200_000;
/// Bytes of steps that are kept, as they are stored.
pub const STEPS_BYTES_MAX: u64 = 256 << 20;
/// Failed events that are kept.
pub const FAILED_MAX: u64 = 10_000;
/// Bytes of failed events that are kept.
pub const FAILED_BYTES_MAX: u64 = 256 << 20;

/// Steps are removed by segments, in one sweep over their keys; this many are kept, the one that grows included.
const SEGMENTS: u64 = 40;

/// What a trace keeps. Tests have smaller ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) segments: u64,
    pub(crate) segment_steps: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) failed: u64,
    pub(crate) failed_bytes: u64,
    /// Steps that may wait before ordinary ones are left out. As many failures have room on top.
    pub(crate) waiting: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            segments: SEGMENTS,
            segment_steps: STEPS_MAX / SEGMENTS,
            segment_bytes: STEPS_BYTES_MAX / SEGMENTS,
            failed: FAILED_MAX,
            failed_bytes: FAILED_BYTES_MAX,
            waiting: 4_096,
        }
    }
}
