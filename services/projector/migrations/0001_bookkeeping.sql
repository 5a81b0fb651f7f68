-- What projections keep beside their tables, in the database of the tables.
-- `prepare` applies it, inside the schema `dragoman_projection` that it has made.

-- Each building of a projection's table. One is live; one at most is being built.
create table dragoman_projection.generations (
    projection      text not null,
    number          integer not null,
    state           text not null check (state in ('live', 'building', 'retired')),
    mode            text not null check (mode in ('kafka', 'ledger')),
    start_position  bigint not null,            -- events at or below were never its concern
    definition_hash bytea not null,
    table_schema    text not null,
    table_name      text not null,              -- as people read it
    rows_in         text not null,              -- where its rows are: another name while it is being built
    created_at      timestamptz not null default clock_timestamp(),
    primary key (projection, number)
);
create unique index generations_live on dragoman_projection.generations (projection) where state = 'live';
create unique index generations_building on dragoman_projection.generations (projection) where state = 'building';
create unique index generations_table on dragoman_projection.generations (table_schema, table_name) where state = 'live';

-- Changed definitions that an operator declared to fit the rows as they are.
create table dragoman_projection.accepted_definitions (
    projection      text not null,
    generation      integer not null,
    definition_hash bytea not null,
    reason          text not null,
    accepted_at     timestamptz not null default clock_timestamp()
);

-- Who brings a generation its events. Whoever moves one of its checkpoints holds
-- this row; the row itself never changes.
create table dragoman_projection.readers (
    id         bigint generated always as identity primary key,
    projection text not null,
    generation integer not null,
    key        bytea not null,                  -- SHA-256 over topic, partition, partitions and types
    topic      text,                            -- null: the ledger
    partition  integer,
    partitions integer,
    types      text[] not null,
    unique (projection, generation, key)
);

-- How far each reader has come. Append-only, the newest counts: a row updated in
-- place costs five times as much once a snapshot is held for long.
create table dragoman_projection.checkpoints (
    reader        bigint not null,
    from_position bigint not null,              -- the position that it moved on from; -1: there was none
    position      bigint not null,
    source        text,                         -- of the event at the position
    id            text,
    next_offset   bigint,
    applied       bigint not null,              -- through this reader, in all
    recorded_at   timestamptz not null default clock_timestamp(),
    primary key (reader, from_position)         -- the fence: of two that move on from one place one loses
);

-- Events that took effect when their subject was no longer parked, to be added to
-- those of the checkpoints. Each drain adds a row and takes older ones up in it.
create table dragoman_projection.drained (
    id         bigint generated always as identity primary key,
    projection text not null,
    generation integer not null,
    applied    bigint not null
);
create index drained_generation on dragoman_projection.drained (projection, generation);

create table dragoman_projection.parked_subjects (
    projection   text not null,
    generation   integer not null,
    topic        text not null,
    subject      text not null,
    subject_hash integer not null,
    state        text not null check (state in ('retrying', 'held')),
    reason       text not null,
    attempts     integer not null,
    next_attempt timestamptz,
    parked_at    timestamptz not null default clock_timestamp(),
    primary key (projection, generation, topic, subject)
);
create index parked_subjects_due on dragoman_projection.parked_subjects (projection, generation, next_attempt)
    where state = 'retrying';

-- The events of parked subjects, in order: the one that failed and those behind it.
create table dragoman_projection.parked_events (
    projection text not null,
    generation integer not null,
    position   bigint not null,
    topic      text not null,
    subject    text not null,
    source     text not null,
    id         text not null,
    type       text not null,
    primary key (projection, generation, position)
);
create index parked_events_subject on dragoman_projection.parked_events (projection, generation, topic, subject, position);

-- The event that a total order cannot go past.
create table dragoman_projection.stops (
    projection  text not null,
    generation  integer not null,
    position    bigint not null,
    topic       text not null,
    subject     text not null,
    source      text not null,
    id          text not null,
    type        text not null,
    reason      text not null,
    attempts    integer not null,
    retry_asked boolean not null default false,
    stopped_at  timestamptz not null default clock_timestamp(),
    primary key (projection, generation)
);

-- Events that an operator decided to skip: of the projection, whatever its generation.
create table dragoman_projection.decisions (
    projection   text not null,
    position     bigint not null,
    source       text not null,
    id           text not null,
    type         text not null,
    subject_hash integer not null,
    reason       text not null,
    decided_at   timestamptz not null default clock_timestamp(),
    primary key (projection, position)
);
