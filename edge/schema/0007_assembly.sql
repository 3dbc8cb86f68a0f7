-- For the assembler: the changes of sessions since its last statement, the readings of one session by index, and one reading
-- position for each share of the lanes.

create table session_changes (
    session_id uuid primary key,
    revision bigint not null default 1,
    xid xid8 not null default pg_current_xact_id()
);
comment on table session_changes is 'Revision of everything about a session that is no reading: devices, target, faces, gaps, marks and corrections. Written by triggers.';
comment on column session_changes.revision is 'Rises with each change; an assembler that knows this revision need not read the session again.';
comment on column session_changes.xid is 'Transaction of the last change: an assembler finds new changes whatever the order of commits.';
create index session_changes_by_xid on session_changes (xid);

create function record_session_changes(ids uuid[]) returns void language sql
    security definer set search_path = pg_catalog, public, pg_temp as $$
    insert into session_changes as known (session_id)
        select distinct id from sessions where id = any(ids) order by id
        on conflict (session_id) do update set revision = known.revision + 1, xid = pg_current_xact_id();
$$;
comment on function record_session_changes is 'Raises the revision of sessions.';

create function ring_assembler_doorbell() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform pg_notify((select channel from installation) || '_readings', '');
    return null;
end $$;
comment on function ring_assembler_doorbell is 'Wakes the assembler for changes of sessions and arrows.';
create trigger session_changes_ring_doorbell after insert or update on session_changes
    for each statement execute function ring_assembler_doorbell();

create function record_change_of_session() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform record_session_changes(array[new.id]);
    return null;
end $$;
comment on function record_change_of_session is 'Raises the revision of a session whose own row changed.';
create trigger sessions_record_change after insert or update on sessions
    for each row execute function record_change_of_session();

-- For tables with a column session_id.
create function record_change_of_owner() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform record_session_changes(array[new.session_id]);
    return null;
end $$;
comment on function record_change_of_owner is 'Raises the revision of the session that a row belongs to.';
create trigger session_devices_record_change after insert or update on session_devices
    for each row execute function record_change_of_owner();
create trigger targets_record_change after insert or update on targets
    for each row execute function record_change_of_owner();
create trigger end_marks_record_change after insert or update on end_marks
    for each row execute function record_change_of_owner();
create trigger corrections_record_change after insert on corrections
    for each row execute function record_change_of_owner();

create function record_change_of_face() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform record_session_changes(array(select session_id from targets where id = new.target_id));
    return null;
end $$;
comment on function record_change_of_face is 'Raises the revision of the session whose target carries a face.';
create trigger faces_record_change after insert or update on faces
    for each row execute function record_change_of_face();

-- Also of sessions closed within a day: a device that was silent then may report late.
create function record_gap_of_sessions() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform record_session_changes(array(
        select d.session_id from session_devices d join sessions s on s.id = d.session_id
        where d.device_id = new.device_id and (s.is_opened or s.end_time > now() - interval '1 day')));
    return null;
end $$;
comment on function record_gap_of_sessions is 'Raises the revision of the sessions that a new gap of a device may concern.';
create trigger device_gaps_record_change after insert or update on device_gaps
    for each row execute function record_gap_of_sessions();
create index session_devices_by_device on session_devices (device_id);

-- An arrow may belong to any session, so the assembler looks for changed arrows themselves.
alter table arrows add column xid xid8 not null default pg_current_xact_id();
comment on column arrows.xid is 'Transaction of the last change: an assembler finds changed arrows whatever the order of commits.';
create index arrows_by_xid on arrows (xid);
create function date_arrow_change() returns trigger language plpgsql as $$
begin
    new.xid := pg_current_xact_id();
    return new;
end $$;
comment on function date_arrow_change is 'Records the transaction of the change.';
create trigger arrows_date_change before update on arrows for each row execute function date_arrow_change();
create trigger arrows_ring_doorbell after insert or update on arrows
    for each statement execute function ring_assembler_doorbell();

alter table rebuilds add column is_whole boolean not null default true;
comment on column rebuilds.is_whole is 'The session is read from the tables anew; false where only a correction or an arrow changed.';
create or replace function request_rebuild_for_correction() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into rebuilds (session_id, who, reason, is_whole) select distinct session_id, who, 'correction', false from fresh;
    return null;
end $$;
create or replace function request_rebuild_for_arrow() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into rebuilds (session_id, who, reason, is_whole)
        select distinct s.session_id, session_user, 'arrow registered', false
        from fresh join shots s on s.arrow_id is null and s.arrow_tag = replace(fresh.id::text, '-', '');
    return null;
end $$;

-- The readings of one session and device by the monotonic clock. It replaces a BRIN index, which reads every block that
-- autovacuum has not summarised yet: most of a table that just grew.
create index readings_by_device_mono on readings (device_id, host_boot_id, mono_ns);
drop index readings_by_mono;

create index end_marks_by_session on end_marks (session_id);

-- The sessions near a late reading, by both clocks.
create index sessions_by_time on sessions using gist (tstzrange(start_time, end_time));
create index sessions_by_mono on sessions using gist (int8range(start_mono_ns,
    case when closing_host_boot_id = start_host_boot_id then greatest(closing_mono_ns, start_mono_ns) end));

-- Lane n belongs to share n mod 16. An assembler holds the advisory lock of each share that it works on.
alter table assembly_progress
    drop column singleton,
    drop column rule_version,
    add column share integer primary key default 0 check (share between 0 and 15);
alter table assembly_progress alter column share drop default;
insert into assembly_progress (share, before_xid)
    select number, p.before_xid from generate_series(1, 15) as number, assembly_progress p;
comment on table assembly_progress is 'Reading position of the assembler, one row for each share of the lanes.';
comment on column assembly_progress.share is 'The lanes whose number modulo 16 is this.';
comment on column assembly_progress.before_xid is 'Readings of every transaction before this one are in the shots of these lanes.';

comment on column device_status.interval_s is 'Longest interval in seconds between two updates of a ready device''s row; after three without an update the device counts as silent.';
comment on column device_states.interval_s is 'As in device_status.';
