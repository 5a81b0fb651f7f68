-- Membership without the ranks. Whoever reads whole batches counts the positions as the
-- rows come: the window that `sealed_events` needs costs several times what reading the
-- rows does, and single events are found by it as before.

-- Membership, from now on said here and nowhere else: a row belongs to the batch whose
-- range of seq holds it if it is visible in that batch's snapshot, else to the
-- batch that late_events names, else to none yet. Its position is first_position and
-- its rank by seq within the batch. Always restrict `batch`.
create view dragoman.sealed_members as
select ledger.batch, ledger.first_position, events.*
from dragoman.ledger
join dragoman.events on events.seq > ledger.low_seq and events.seq <= ledger.high_seq
                    and pg_visible_in_snapshot(events.xid, ledger.snapshot)
union all
select late_events.batch, ledger.first_position, events.*
from dragoman.late_events
join dragoman.ledger on ledger.batch = late_events.batch
join dragoman.events on events.seq = late_events.seq;

-- The same with positions. The window is per batch, so the planner carries a restriction
-- of `batch` down to the indexes.
create or replace view dragoman.sealed_events as
select member.batch,
       member.first_position + row_number() over (partition by member.batch order by member.seq) - 1 as position,
       member.seq, member.id, member.source, member.type, member.subject, member.subject_hash,
       member.time, member.stored_at, member.adapter, member.content_type, member.traceparent,
       member.extensions, member.data
from dragoman.sealed_members as member;
