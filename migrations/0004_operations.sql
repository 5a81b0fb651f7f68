-- What an operator wants to see and to say.

-- A projection that somebody paused; no row means it runs.
create table dragoman.paused_projections (
    projection text primary key,
    reason     text not null default '',
    paused_at  timestamptz not null default now()
);

-- A part of the hub that stopped by itself, and what it asks for. Written when it
-- halts, taken away when it has started well again.
create table dragoman.halts (
    component text primary key,
    code      text not null,
    message   text not null,
    remedy    text not null,
    halted_at timestamptz not null default now()
);

-- Records that Kafka should have had and had not; filled from the log.
create table dragoman.gaps (
    projection    text not null,
    topic         text not null,
    partition     integer not null,
    after_position  bigint not null,
    before_position bigint not null,
    events        bigint not null,
    at_end        boolean not null,
    found_at      timestamptz not null default now()
);
