-- Who may write, by which door, and what was kept because it could not enter.

-- A source has one door, so that no open transaction of somebody's holds a key
-- that the writers of another door need.
create table dragoman.sources (
    source text primary key,
    door   text not null check (door in ('api', 'webhook', 'sql')),
    name   text not null        -- the adapter, key or role that opened it first
);

-- API keys, by the SHA-256 of their 256 random bits. Two live rows of one name are
-- a rotation.
create table dragoman.api_keys (
    hash       bytea primary key,
    name       text not null,
    sources    text[] not null,
    types      text[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
create index api_keys_name on dragoman.api_keys (name);

create table dragoman.publisher_grants (
    role       text not null,
    source     text not null references dragoman.sources,
    name       text not null,
    types      text[] not null,
    expires_at timestamptz,
    primary key (role, source)
);

-- Deliveries that were authentic and could not be turned into events: the raw
-- request, with credentials taken out of its headers.
create table dragoman.quarantine (
    id          uuid primary key,
    adapter     text not null,
    received_at timestamptz not null,
    reason      text not null,          -- a stable word: invalid_body, mapping_failed, schema_violated, …
    detail      text not null,
    headers     jsonb not null,
    query       jsonb not null,
    body        bytea not null,
    state       text not null default 'waiting' check (state in ('waiting', 'stored', 'dropped')),
    decided_at  timestamptz,
    decision    text                    -- why it was dropped, or what became of the retry
);
create index quarantine_waiting on dragoman.quarantine (received_at) where state = 'waiting';

-- Deliveries that held nothing for us, remembered so that a repeat is known as one.
create table dragoman.ignored_deliveries (
    adapter     text not null,
    delivery    text not null,
    received_at timestamptz not null default now(),
    primary key (adapter, delivery)
);

-- murmur2 as the Java client computes it, sign bit cleared: the same as
-- dragoman_core::subject_hash. 32-bit arithmetic in bigint; the multiplier is
-- below 2^31, so a product of two stays below 2^63.
create function dragoman.subject_hash(subject text) returns integer
language plpgsql immutable strict parallel safe
set search_path = pg_catalog as $$
declare
    data   bytea  := convert_to(subject, 'UTF8');
    size   bigint := length(data);
    mask   constant bigint := 4294967295;
    factor constant bigint := 1540483477;
    hash   bigint := (2538058380 # size) & mask;
    word   bigint;
    place  integer := 0;
    rest   integer := (size % 4)::integer;
begin
    while place + 4 <= size loop
        word := get_byte(data, place)::bigint
              | (get_byte(data, place + 1)::bigint << 8)
              | (get_byte(data, place + 2)::bigint << 16)
              | (get_byte(data, place + 3)::bigint << 24);
        word := (word * factor) & mask;
        word := word # (word >> 24);
        word := (word * factor) & mask;
        hash := ((hash * factor) & mask) # word;
        place := place + 4;
    end loop;
    if rest > 0 then
        word := 0;
        for step in reverse rest - 1 .. 0 loop
            word := (word << 8) | get_byte(data, place + step)::bigint;
        end loop;
        hash := ((hash # word) * factor) & mask;
    end if;
    hash := hash # (hash >> 13);
    hash := (hash * factor) & mask;
    hash := hash # (hash >> 15);
    return (hash & 2147483647)::integer;
end
$$;

-- SHA-256 over the parts, each preceded by its length in bytes as eight octets.
create function dragoman.content_hash(type text, subject text, content_type text, data text)
returns bytea language sql immutable strict parallel safe
set search_path = pg_catalog as $$
    select sha256(string_agg(int8send(length(part)::bigint) || part, ''::bytea order by place))
    from unnest(array[convert_to(type, 'UTF8'), convert_to(subject, 'UTF8'),
                      convert_to(content_type, 'UTF8'), convert_to(data, 'UTF8')])
         with ordinality as parts (part, place)
$$;

do $$
begin
    create role dragoman_publisher nologin;
exception when duplicate_object or unique_violation then
    null;   -- roles belong to the cluster: another database of it has made this one
end
$$;

-- The outbox for any language: one event, inside the caller's transaction. The
-- schema of the type cannot be checked here; a violation is found when the event
-- is sealed. Returns the id.
create function dragoman.publish(
    type    text,
    subject text,
    data    jsonb,
    source  text default null,
    id      text default null,
    "time"  timestamptz default now()
) returns text
language plpgsql security definer
set search_path = pg_catalog as $$
#variable_conflict use_column
declare
    -- In a SECURITY DEFINER function current_user is the owner: the caller is the
    -- role in force, else the user of the session.
    caller  text := case when current_setting('role') in ('none', '') then session_user::text
                         else current_setting('role') end;
    wanted  text := publish.source;
    event   text := coalesce(publish.id, gen_random_uuid()::text);
    payload text := publish.data::text;
    bytes   integer;
    grants  text[];
    kinds   text[];
    ends    timestamptz;
    most    integer;
    hash    bytea;
    known   dragoman.event_keys%rowtype;
    name    text;
    value   text;
begin
    if wanted is null then
        select array_agg(g.source order by g.source) into grants
        from dragoman.publisher_grants g where g.role = caller;
        if coalesce(cardinality(grants), 0) <> 1 then
            raise exception 'role % has % sources to publish from: name one', caller, coalesce(cardinality(grants), 0)
                using errcode = 'DR010',
                      hint = 'Pass source => ''…''; grant one with: dragoman keys create NAME --role ' || caller || ' --source S';
        end if;
        wanted := grants[1];
    end if;
    select g.types, g.expires_at into kinds, ends
    from dragoman.publisher_grants g where g.role = caller and g.source = wanted;
    if not found or ends <= now() then
        raise exception 'role % may not publish as source %', caller, wanted
            using errcode = '42501',
                  hint = 'Grant it with: dragoman keys create NAME --role ' || caller || ' --source ' || wanted;
    end if;
    foreach name in array array['type', 'subject', 'source', 'id'] loop
        value := case name when 'type' then publish.type when 'subject' then publish.subject
                           when 'source' then wanted else event end;
        if coalesce(value, '') = '' or octet_length(value) > 1024 or value ~ '[\u0001-\u001f\u007f-\u009f]' then
            raise exception '% must have 1 to 1024 bytes and no control characters', name
                using errcode = '22023';
        end if;
    end loop;
    if payload is null then
        raise exception 'data must not be null' using errcode = '22004',
            hint = 'For an event without content publish ''{}''.';
    end if;
    if publish."time" is null then
        raise exception 'time must not be null' using errcode = '22004';
    end if;
    select t.max_message_bytes into most
    from dragoman.event_types e join dragoman.topics t on t.topic = e.topic
    where e.type = publish.type and e.active;
    if not found then
        raise exception 'event type % is not in the catalogue', publish.type
            using errcode = 'DR011', hint = 'Add it under `events:` in the configuration of the hub.';
    end if;
    if not exists (select from unnest(kinds) as kind
                   where kind = publish.type
                      or (right(kind, 1) = '*' and starts_with(publish.type, left(kind, -1)))) then
        raise exception 'role % may not publish type % as source %', caller, publish.type, wanted
            using errcode = '42501';
    end if;
    -- The same allowance as dragoman_store::record_bytes: payload, key, headers.
    bytes := octet_length(payload) + 2 * octet_length(publish.subject) + octet_length(publish.type)
           + octet_length(wanted) + octet_length(event) + 512;
    if bytes > most then
        raise exception 'the event needs % bytes as jsonb prints it, its topic takes %', bytes, most
            using errcode = '54000', hint = 'Publish a reference to the content instead.';
    end if;

    hash := dragoman.content_hash(publish.type, publish.subject, 'application/json', payload);
    insert into dragoman.event_keys (source, id, content_hash) values (wanted, event, hash)
        on conflict do nothing;
    if not found then
        select * into known from dragoman.event_keys k where k.source = wanted and k.id = event;
        if known.content_hash is distinct from hash then
            raise exception 'event % of source % was stored at % with other content', event, wanted, known.stored_at
                using errcode = 'DR012', hint = 'Give the new fact an id of its own.';
        end if;
        insert into dragoman.adapter_counts (adapter, received, duplicate) values ('sql', 1, 1);
        return event;
    end if;
    insert into dragoman.events
        (id, source, type, subject, subject_hash, time, adapter, content_type, data)
    values (event, wanted, publish.type, publish.subject, dragoman.subject_hash(publish.subject),
            publish."time", 'sql', 'application/json', payload);
    insert into dragoman.adapter_counts (adapter, received, stored) values ('sql', 1, 1);
    return event;
end
$$;

revoke all on function dragoman.publish(text, text, jsonb, text, text, timestamptz) from public;
grant usage on schema dragoman to dragoman_publisher;
grant execute on function dragoman.publish(text, text, jsonb, text, text, timestamptz) to dragoman_publisher;
