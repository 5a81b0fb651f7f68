//! Planted bugs: mistakes that shipped somewhere. The harness must catch each of them; one
//! that it does not catch is a hole in the harness.

macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $bug:ident = $name:literal,)+) => {
        /// A mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $($(#[doc = $doc])+ $bug,)+
        }

        impl Bug {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$bug),+];

            /// Its name, as plans and reports write it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$bug => $name,)+ }
            }

            /// What is done wrong.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$bug => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

bugs! {
    /// Senders are answered before their events are committed.
    AckBeforeCommit = "ack_before_commit",
    /// Whether a key is known is asked first, and it is inserted in another statement.
    DedupeCheckThenInsert = "dedupe_check_then_insert",
    /// A write that failed is answered as if it had succeeded.
    SwallowRollback = "swallow_rollback",
    /// Other content under a known key counts as a duplicate.
    ConflictAsDuplicate = "conflict_as_duplicate",
    /// Data that break their schema are refused and stored all the same.
    RefusedIsStored = "refused_is_stored",
    /// Only what has a higher sequence number than the last is sealed.
    SealOnlyAboveLast = "seal_only_above_last",
    /// Late rows are looked for only when something was in flight.
    LateOnlyWhenInFlight = "late_only_when_in_flight",
    /// Late rows that were sealed before are sealed again.
    LateSealedAgain = "late_sealed_again",
    /// Readers rank whatever is visible, not what the batch's snapshot saw.
    MembershipWithoutSnapshot = "membership_without_snapshot",
    /// Events are published before their batch is committed.
    PublishBeforeSeal = "publish_before_seal",
    /// Marks are written when events are sent, not when Kafka has them.
    MarkBeforeAck = "mark_before_ack",
    /// Recovery takes the highest position of all partitions for that of each.
    MaximumPerTopic = "maximum_per_topic",
    /// Recovery goes by the marks alone and does not read the tails.
    RecoveryWithoutTails = "recovery_without_tails",
    /// The position before is that of the topic, not of the partition.
    PreviousPerTopic = "previous_per_topic",
    /// Keys go to partitions by another hash than the clients of others use.
    OtherPartitioner = "other_partitioner",
    /// An event whose partition has no room is passed over.
    DropWhenFull = "drop_when_full",
    /// The owner record is committed before the effect.
    CheckpointBeforeEffect = "checkpoint_before_effect",
    /// The effect is committed before the owner record.
    EffectBeforeCheckpoint = "effect_before_checkpoint",
    /// The owner record moves without being compared.
    NoCompareAndSet = "no_compare_and_set",
    /// After a lost answer the whole batch is done again.
    RetryWholeBatch = "retry_whole_batch",
    /// A failing event is dropped without a word.
    DropPoison = "drop_poison",
    /// Events behind a parked one are not queued.
    ParkWithoutFollowers = "park_without_followers",
    /// A failing event is parked outside the transaction of the effect.
    ParkOutsideTransaction = "park_outside_transaction",
    /// Each attempt at a request has a key of its own.
    KeyPerAttempt = "key_per_attempt",
    /// An event of a subject is sent while the one before it is being tried again.
    RetryOvertaken = "retry_overtaken",
    /// Each caller that needs a token asks for one.
    TokenPerCaller = "token_per_caller",
    /// The owner record moves over requests before they are made.
    RecordBeforeCall = "record_before_call",
    /// An answer that says later is taken for a refusal.
    BusyIsRefusal = "busy_is_refusal",
    /// Whatever was answered counts as success.
    AnyAnswerIsSuccess = "any_answer_is_success",
    /// A call without an answer counts as made.
    NoAnswerIsSuccess = "no_answer_is_success",
    /// `Retry-After` is not looked at.
    RetryAfterIgnored = "retry_after_ignored",
    /// A receiver that is down has every event parked.
    ParkTheWorld = "park_the_world",
    /// Events are queued behind a subject that is not parked any more.
    QueueWithoutLooking = "queue_without_looking",
    /// A parked subject is tried again from its last event on.
    QueueFromTheEnd = "queue_from_the_end",
    /// A hole in Kafka is passed over.
    GapIgnored = "gap_ignored",
    /// The end of a quiet partition is not compared with the mark.
    TailUnchecked = "tail_unchecked",
    /// A rebuilt table is swapped in without being brought level.
    SwapBeforeLevel = "swap_before_level",
    /// A replay that was interrupted begins anew.
    ReplayBegunAnew = "replay_begun_anew",
    /// The progress of a replay moves over events before they are sent.
    ReplayProgressBeforeCalls = "replay_progress_before_calls",
}

/// Whether this mistake is to be made: by `DRAGOMAN_PLANTED=NAME`.
#[cfg(not(feature = "armed"))]
#[inline(always)]
#[must_use]
pub const fn planted(_bug: Bug) -> bool {
    false
}

/// Whether this mistake is to be made: by `DRAGOMAN_PLANTED=NAME`.
#[cfg(feature = "armed")]
#[must_use]
pub fn planted(bug: Bug) -> bool {
    static PLANTED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let planted = PLANTED.get_or_init(|| std::env::var("DRAGOMAN_PLANTED").ok());
    planted.as_deref() == Some(bug.name())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Bug;

    #[test]
    fn names_are_their_own() {
        let names: BTreeSet<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
        assert_eq!(names.len(), Bug::ALL.len());
        assert_eq!(Bug::AckBeforeCommit.what().find("Senders"), Some(0));
    }
}
