-- The ledger: which events are sealed, in which batch, at which position.
--
-- Invariant: the sealed set is { seq <= high_seq and visible in the snapshot of
-- the last row } together with late_events.

create table dragoman.ledger (
    batch             bigint primary key,       -- the fence: a second sealer of the same number loses
    first_position    bigint not null,
    event_count       integer not null check (event_count >= 0),
    low_seq           bigint not null,          -- high_seq of the batch before
    high_seq          bigint not null,
    snapshot          pg_snapshot not null,
    merkle_root       bytea,                    -- room for the proofs; not filled yet
    chain             bytea,
    sealed_by         text not null,
    system_identifier bigint not null,          -- of the cluster whose transaction ids the snapshot speaks of
    timeline          integer not null,
    sealed_at         timestamptz not null default clock_timestamp()
);
create unique index ledger_first_position on dragoman.ledger (first_position) where event_count > 0;

create table dragoman.late_events (
    seq   bigint primary key,
    batch bigint not null
);
create index late_events_batch on dragoman.late_events (batch);

create trigger append_only before update or delete or truncate on dragoman.ledger
    for each statement execute function dragoman.refuse_change();
create trigger append_only before update or delete or truncate on dragoman.late_events
    for each statement execute function dragoman.refuse_change();

-- Batch 0 holds nothing; it gives the first seal a row to look back at.
insert into dragoman.ledger
    (batch, first_position, event_count, low_seq, high_seq, snapshot, sealed_by, system_identifier, timeline)
select 0, 1, 0, 0, 0, pg_current_snapshot(), 'migration',
       (select system_identifier from pg_control_system()),
       (select timeline_id from pg_control_checkpoint());

-- Membership, the one place where it is said: a row belongs to the batch whose
-- range of seq holds it if it is visible in that batch's snapshot, else to the
-- batch that late_events names, else to none yet. Its position is its rank by seq
-- within the batch. Always restrict `batch`: the window is per batch, so the
-- planner carries that restriction down to the indexes.
create view dragoman.sealed_events as
select member.batch,
       member.first_position + row_number() over (partition by member.batch order by member.seq) - 1 as position,
       member.seq, member.id, member.source, member.type, member.subject, member.subject_hash,
       member.time, member.stored_at, member.adapter, member.content_type, member.traceparent,
       member.extensions, member.data
from (
    select ledger.batch, ledger.first_position, events.*
    from dragoman.ledger
    join dragoman.events on events.seq > ledger.low_seq and events.seq <= ledger.high_seq
                        and pg_visible_in_snapshot(events.xid, ledger.snapshot)
    union all
    select late_events.batch, ledger.first_position, events.*
    from dragoman.late_events
    join dragoman.ledger on ledger.batch = late_events.batch
    join dragoman.events on events.seq = late_events.seq
) as member;

-- One leader per name; its epoch fences whoever held it before.
create table dragoman.leases (
    name       text primary key,
    holder     text not null,
    epoch      bigint not null,
    expires_at timestamptz not null
);

-- How far a topic partition is known to hold what was sealed for it: written
-- about once a second, appended, read newest first, pruned by the relay.
create table dragoman.marks (
    topic        text not null,
    partition    integer not null,
    position     bigint not null,       -- of the last record acknowledged in this partition
    kafka_offset bigint not null,
    source       text not null,
    id           text not null,
    marked_at    timestamptz not null default clock_timestamp(),
    primary key (topic, partition, position)
);

-- Everything at or below `through` is acknowledged in every partition.
create table dragoman.published (
    through   bigint primary key,
    marked_at timestamptz not null default clock_timestamp()
);

-- Events that came by SQL and break their schema, found when they were sealed.
create table dragoman.schema_violations (
    position bigint primary key,
    type     text not null,
    source   text not null,
    id       text not null,
    message  text not null,
    found_at timestamptz not null default clock_timestamp()
);
