-- What effects outside of a database need: generations without a table, parked subjects
-- that are tried again by themselves, events that an operator edited, replays.

alter table dragoman_projection.generations
    alter column table_schema drop not null,    -- null: there is no table
    alter column table_name drop not null,
    alter column rows_in drop not null;

alter table dragoman_projection.parked_subjects
    add column failing_since timestamptz not null default clock_timestamp();    -- the first of its events

-- An edit replaces the data of an event, for this projection; a skip takes it away. The
-- last decision about an event counts.
alter table dragoman_projection.decisions
    add column decision text not null default 'skip' check (decision in ('skip', 'edit')),
    add column data text,                       -- of an edit: what the projection sees
    add column edits integer not null default 0,    -- how often it was edited: each gets another idempotency key
    add check ((decision = 'edit') = (data is not null));

-- Events that an operator had sent again, on purpose.
create table dragoman_projection.replays (
    id               bigint generated always as identity primary key,
    projection       text not null,
    generation       integer not null,          -- of the idempotency keys: the same however often it is taken up
    definition_hash  bytea not null,            -- what its requests are made by: one key, one request
    selection        text not null,             -- what was asked for, as JSON
    through          bigint not null,           -- no event above is sent
    position         bigint not null,           -- everything selected at or below is resent or refused
    resent           bigint not null default 0,
    state            text not null default 'running' check (state in ('running', 'done', 'abandoned')),
    reason           text not null,
    abandoned_reason text,
    started_at       timestamptz not null default clock_timestamp(),
    ended_at         timestamptz
);
create unique index replays_running on dragoman_projection.replays (projection) where state = 'running';

-- Events of a replay that the receiver refused.
create table dragoman_projection.replay_refusals (
    replay   bigint not null,
    position bigint not null,
    source   text not null,
    id       text not null,
    subject  text not null,
    reason   text not null,
    primary key (replay, position)
);
