-- The event log, the keys that keep it free of duplicates, and the catalogue of
-- what may enter it. The log is append-only and it is the outbox: there is no
-- flag for "published", no second copy, no update, no delete.

-- Topics and what the broker was seen to say of them. `partitions` is null until
-- the relay has created or met the topic: from then on a different count halts it,
-- because partitions are computed here and a reshuffle of keys would break order.
create table dragoman.topics (
    topic             text primary key,
    partitions        integer check (partitions > 0),
    max_message_bytes integer not null default 1048576 check (max_message_bytes > 0),
    recorded_at       timestamptz not null default now()
);

-- The catalogue: nothing else can enter the log. Synchronised from the
-- configuration; a type that is no longer configured stays, with active = false,
-- because the log may hold events of it.
create table dragoman.event_types (
    type        text primary key,
    topic       text not null references dragoman.topics,
    schema      text,
    description text not null default '',
    active      boolean not null default true
);

-- The log. `seq` is taken at insert and says nothing about commit order; `xid`
-- is what lets the ledger find rows that became visible late. cache 1, because a
-- session that caches numbers would hand out old ones for as long as it lives.
create table dragoman.events (
    seq          bigint generated always as identity (cache 1) primary key,
    xid          xid8 not null default pg_current_xact_id(),
    id           text not null,
    source       text not null,
    type         text not null,
    subject      text not null,
    subject_hash integer not null,
    time         timestamptz not null,
    stored_at    timestamptz not null default clock_timestamp(),
    adapter      text not null,
    content_type text not null,
    traceparent  text,
    extensions   jsonb,
    data         text not null
);

-- Two probes of this index find what is late (see seal): rows of transactions at
-- or above the last snapshot's xmax, and of those in progress in it. seq is in the
-- index so that a backlog is not fetched from the heap only to be passed over.
create index events_xid_seq on dragoman.events (xid, seq);

-- The dedupe key of every event, in a table of its own, so that the log can be
-- partitioned one day without losing uniqueness. content_hash is SHA-256 over
-- type, subject, content type and data (see dragoman.content_hash). xid leads
-- from a key to its event by events_xid_seq.
create table dragoman.event_keys (
    source       text not null,
    id           text not null,
    content_hash bytea not null,
    xid          xid8 not null default pg_current_xact_id(),
    stored_at    timestamptz not null default clock_timestamp(),
    primary key (source, id)
);

create function dragoman.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% on dragoman.% is refused: it is append-only', tg_op, tg_table_name
        using errcode = 'DR001',
              hint = 'A fact that was wrong is corrected by another event.';
end
$$;

create trigger append_only before update or delete or truncate on dragoman.events
    for each statement execute function dragoman.refuse_change();

-- What an append raises to take back a whole statement: an event of a request
-- that must be stored whole met a key which a concurrent transaction had just
-- committed. The caller runs the statement again, which then sees that key.
create function dragoman.append_again() returns boolean language plpgsql as $$
begin
    raise exception 'a key of the batch was stored by a concurrent transaction'
        using errcode = 'DR002';
end
$$;

-- What became of deliveries, as increments: one row per append or flush, summed
-- by the reader and folded together by housekeeping. For every adapter
-- received = stored + duplicate + refused + ignored + quarantined.
create table dragoman.adapter_counts (
    adapter     text not null,
    recorded_at timestamptz not null default now(),
    received    bigint not null default 0,
    stored      bigint not null default 0,
    duplicate   bigint not null default 0,
    refused     bigint not null default 0,
    ignored     bigint not null default 0,
    quarantined bigint not null default 0
);
create index adapter_counts_adapter on dragoman.adapter_counts (adapter);
