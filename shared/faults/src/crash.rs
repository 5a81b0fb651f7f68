//! Crash points.

/// A part of the hub that dies and is started again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `run ingest`, once for each adapter.
    Ingest,
    /// `run relay`.
    Relay,
    /// `run projection`, once for each sink.
    Projection,
    /// A projection that sends.
    Sending,
    /// A projection that parks.
    Parking,
    /// `rebuild`.
    Rebuild,
    /// `replay`.
    Replay,
    /// `migrate`.
    Migration,
}

macro_rules! crash_points {
    ($($(#[doc = $doc:literal])+ $point:ident = $part:ident $name:literal,)+) => {
        /// A place to die at, named after what has just happened or comes next.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum CrashPoint {
            $($(#[doc = $doc])+ $point,)+
        }

        impl CrashPoint {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$point),+];

            /// Its name, as plans and reports write it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$point => $name,)+ }
            }

            /// The part that dies there.
            #[must_use]
            pub const fn part(self) -> Part {
                match self { $(Self::$point => Part::$part,)+ }
            }
        }
    };
}

crash_points! {
    /// A sender is known; nothing of the request has been looked at.
    IngestAfterAuth = Ingest "ingest.after_auth",
    /// Events are about to be given to the database.
    IngestBeforeCommit = Ingest "ingest.before_commit",
    /// Events are in the log, committed; nobody has been told.
    IngestAfterCommitBeforeAnswer = Ingest "ingest.after_commit_before_answer",
    /// A batch is drawn up; the ledger does not have it.
    RelayBeforeSealCommit = Relay "relay.before_seal_commit",
    /// A batch is committed; nobody publishes it yet.
    RelayAfterSeal = Relay "relay.after_seal",
    /// Some events of a batch were given to Kafka, some not.
    RelayMidPublish = Relay "relay.mid_publish",
    /// Kafka has acknowledged; no mark says so.
    RelayAfterAckBeforeMark = Relay "relay.after_ack_before_mark",
    /// Marks are written.
    RelayAfterMark = Relay "relay.after_mark",
    /// Topics and tails were looked at; nothing is sealed or published yet.
    RelayAfterRecovery = Relay "relay.after_recovery",
    /// Records have come; nothing has been done with them.
    ProjectionAfterPoll = Projection "projection.after_poll",
    /// Events are about to be brought to the target; no transaction has begun.
    ProjectionBeforeStep = Projection "projection.before_step",
    /// The owner record is held; no row is written.
    ProjectionBeforeEffect = Projection "projection.before_effect",
    /// Rows are written; the owner record does not say so.
    ProjectionAfterEffectBeforeRecord = Projection "projection.after_effect_before_record",
    /// The owner record is moved; nothing is committed.
    ProjectionAfterRecordBeforeCommit = Projection "projection.after_record_before_commit",
    /// A step is committed; the reader does not know it.
    ProjectionAfterCommit = Projection "projection.after_commit",
    /// Partitions are being taken away.
    ProjectionOnRevoke = Projection "projection.on_revoke",
    /// A request is about to be made.
    SendingBeforeCall = Sending "sending.before_call",
    /// The receiver has answered; nothing is written down.
    SendingAfterAnswer = Sending "sending.after_answer",
    /// What was sent is about to be written down.
    SendingBeforeRecord = Sending "sending.before_record",
    /// The owner record is moved over what was sent; not committed.
    SendingAfterRecordBeforeCommit = Sending "sending.after_record_before_commit",
    /// A failing event is about to be parked; rows of others are written.
    ParkingBeforeInsert = Parking "parking.before_insert",
    /// A failing event is parked; the owner record does not say so.
    ParkingAfterInsertBeforeRecord = Parking "parking.after_insert_before_record",
    /// Events of a parked subject took effect and have left the queue; not committed.
    ParkingMidDrain = Parking "parking.mid_drain",
    /// A part of the shadow table is built.
    RebuildMidBatch = Rebuild "rebuild.mid_batch",
    /// The live table stands still.
    RebuildAfterFence = Rebuild "rebuild.after_fence",
    /// The tables are swapped; not committed.
    RebuildBeforeSwap = Rebuild "rebuild.before_swap",
    /// The tables are swapped and committed; nobody has been told.
    RebuildAfterSwap = Rebuild "rebuild.after_swap",
    /// A replay is written down; nothing of it was sent.
    ReplayAfterBegin = Replay "replay.after_begin",
    /// Some events of a batch were taken, some not; no progress says so.
    ReplayMidBatch = Replay "replay.mid_batch",
    /// Every event of a batch has come to its end; no progress says so.
    ReplayBeforeProgress = Replay "replay.before_progress",
    /// The progress over a batch is committed; the next was not read, and nothing is ended.
    ReplayAfterProgress = Replay "replay.after_progress",
    /// A migration was carried out; not committed.
    MigrationMid = Migration "migration.mid",
}

/// Dies here, at once and without unwinding, if this point is armed and has deaths left.
///
/// Armed by `DRAGOMAN_CRASH=NAME:FILE`: the file holds how many deaths are left, and each
/// takes one. Without the file, or at zero, the process lives on: whoever arms the point
/// decides by writing it when the first, a middle or a late hit is meant.
/// With `freeze` in the file it stops where it stands, once, until somebody wakes it
/// (SIGCONT).
#[cfg(not(feature = "armed"))]
#[inline(always)]
pub const fn crash(_point: CrashPoint) {}

/// Dies here, at once and without unwinding, if this point is armed and has deaths left.
///
/// Armed by `DRAGOMAN_CRASH=NAME:FILE`: the file holds how many deaths are left, and each
/// takes one. Without the file, or at zero, the process lives on: whoever arms the point
/// decides by writing it when the first, a middle or a late hit is meant.
/// With `freeze` in the file it stops where it stands, once, until somebody wakes it
/// (SIGCONT).
#[cfg(feature = "armed")]
pub fn crash(point: CrashPoint) {
    armed::die_if_due(point);
}

#[cfg(feature = "armed")]
mod armed {
    use std::fs::File;
    use std::io::{Read as _, Seek as _, Write as _};
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Mutex, OnceLock};

    use super::CrashPoint;

    static TURN: Mutex<()> = Mutex::new(());
    static PLAN: OnceLock<Option<(String, PathBuf)>> = OnceLock::new();

    pub(super) fn die_if_due(point: CrashPoint) {
        let plan = PLAN.get_or_init(|| {
            let plan = std::env::var("DRAGOMAN_CRASH").ok()?;
            let (name, file) = plan.split_once(':')?;
            Some((name.to_owned(), file.into()))
        });
        if let Some((name, file)) = plan
            && name == point.name()
        {
            // Whoever else of this process comes here waits, and does not take a death of
            // the next one.
            let _turn = TURN.lock();
            match take_one(file, point).unwrap_or(Fate::Live) {
                Fate::Live => {}
                Fate::Die => std::process::abort(),
                Fate::Freeze => freeze(),
            }
        }
    }

    enum Fate {
        Live,
        Die,
        Freeze,
    }

    /// Returns when it is woken.
    fn freeze() {
        let own = std::process::id().to_string();
        let stopped = std::process::Command::new("kill")
            .args(["-STOP", &own])
            .status();
        drop(stopped);
    }

    /// How often a process passes the point while it has deaths left, before it dies there.
    /// In mid-publish some records have to be on the wire, of some partitions more than of
    /// others; in mid-replay some events have to be taken.
    const fn passes(point: CrashPoint) -> u32 {
        match point {
            CrashPoint::RelayMidPublish => 40,
            CrashPoint::ReplayMidBatch => 10,
            _ => 0,
        }
    }

    /// Takes one of the deaths that are left. Processes that share the file take turns.
    fn take_one(file: &Path, point: CrashPoint) -> std::io::Result<Fate> {
        static PASSED: AtomicU32 = AtomicU32::new(0);

        let mut file = File::options().read(true).write(true).open(file)?;
        file.lock()?;
        let mut left = String::new();
        file.read_to_string(&mut left)?;
        let (fate, left) = match left.trim() {
            "freeze" => (Fate::Freeze, 0),
            number => match number.parse().unwrap_or(0_u32).checked_sub(1) {
                Some(_) if PASSED.fetch_add(1, Ordering::Relaxed) < passes(point) => {
                    return Ok(Fate::Live);
                }
                Some(left) => (Fate::Die, left),
                None => return Ok(Fate::Live),
            },
        };
        let left = left.to_string();
        file.rewind()?;
        file.write_all(left.as_bytes())?;
        // Only now: whoever looks meanwhile must not find it empty, as if none were left.
        file.set_len(left.len() as u64)?;
        Ok(fate)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::CrashPoint;

    #[test]
    fn names_are_their_own_and_say_the_part() {
        let names: BTreeSet<&str> = CrashPoint::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), CrashPoint::ALL.len());
        for point in CrashPoint::ALL {
            let part = format!("{:?}.", point.part()).to_lowercase();
            assert!(point.name().starts_with(&part), "{}", point.name());
        }
    }
}
