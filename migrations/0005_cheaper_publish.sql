-- The functions of the SQL door again, with the same answers at a fraction of the cost: an
-- application pays for them inside its own transaction.

-- murmur2 as before. Words are put together in one expression, because each statement of
-- PL/pgSQL costs more than the arithmetic in it.
create or replace function dragoman.subject_hash(subject text) returns integer
language plpgsql immutable strict parallel safe
set search_path = pg_catalog as $$
declare
    data   bytea   := convert_to(subject, 'UTF8');
    size   integer := length(data);
    mask   constant bigint := 4294967295;
    factor constant bigint := 1540483477;
    hash   bigint  := (2538058380 # size) & mask;
    word   bigint;
    place  integer := 0;
begin
    while place + 4 <= size loop
        word := ((get_byte(data, place)
               | (get_byte(data, place + 1) << 8)
               | (get_byte(data, place + 2) << 16)
               | (get_byte(data, place + 3)::bigint << 24)) * factor) & mask;
        hash := ((hash * factor) & mask) # (((word # (word >> 24)) * factor) & mask);
        place := place + 4;
    end loop;
    if place < size then
        word := get_byte(data, place)
              | case when place + 1 < size then get_byte(data, place + 1) << 8 else 0 end
              | case when place + 2 < size then get_byte(data, place + 2) << 16 else 0 end;
        hash := ((hash # word) * factor) & mask;
    end if;
    hash := ((hash # (hash >> 13)) * factor) & mask;
    return ((hash # (hash >> 15)) & 2147483647)::integer;
end
$$;

-- SHA-256 over the parts, each preceded by its length in bytes as eight octets, as before.
-- Not in SQL any more: a function in SQL that cannot be inlined is planned at each call.
create or replace function dragoman.content_hash(type text, subject text, content_type text, data text)
returns bytea language plpgsql immutable strict parallel safe
set search_path = pg_catalog as $$
declare
    a bytea := convert_to(type, 'UTF8');
    b bytea := convert_to(subject, 'UTF8');
    c bytea := convert_to(content_type, 'UTF8');
    d bytea := convert_to(data, 'UTF8');
begin
    return sha256(int8send(length(a)::bigint) || a || int8send(length(b)::bigint) || b
               || int8send(length(c)::bigint) || c || int8send(length(d)::bigint) || d);
end
$$;

-- The outbox for any language: one event, inside the caller's transaction. The
-- schema of the type cannot be checked here; a violation is found when the event
-- is sealed. Returns the id.
create or replace function dragoman.publish(
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
    -- All four at once; which of them it was is only asked when one is wrong. `is not false`
    -- and `is not true`, because null must not pass.
    if (publish.type || publish.subject || wanted || event ~ '[\u0001-\u001f\u007f-\u009f]') is not false
       or (octet_length(publish.type) between 1 and 1024
           and octet_length(publish.subject) between 1 and 1024
           and octet_length(wanted) between 1 and 1024
           and octet_length(event) between 1 and 1024) is not true then
        foreach name in array array['type', 'subject', 'source', 'id'] loop
            value := case name when 'type' then publish.type when 'subject' then publish.subject
                               when 'source' then wanted else event end;
            if coalesce(value, '') = '' or octet_length(value) > 1024 or value ~ '[\u0001-\u001f\u007f-\u009f]' then
                raise exception '% must have 1 to 1024 bytes and no control characters', name
                    using errcode = '22023';
            end if;
        end loop;
    end if;
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
    if (publish.type = any (kinds) or '*' = any (kinds)) is not true
       and not exists (select from unnest(kinds) as kind
                       where right(kind, 1) = '*' and starts_with(publish.type, left(kind, -1))) then
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
