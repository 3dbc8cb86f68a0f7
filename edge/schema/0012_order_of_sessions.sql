-- Sessions are locked in one order wherever several change at once, and the sessions that count as recent are few whatever the
-- wall clock.

create function recent_sessions() returns setof uuid language sql stable
    set search_path = pg_catalog, public, pg_temp as $$
    with recursive lanes as (
        select min(lane) as lane from sessions
        union all
        select (select min(s.lane) from sessions s where s.lane > l.lane) from lanes l where l.lane is not null
    )
    select s.id from lanes l cross join lateral (
        select id, end_time from sessions where lane = l.lane order by number desc limit 20
    ) s where s.end_time > now() - interval '1 day'
    union
    select id from sessions where is_opened
$$;
comment on function recent_sessions is 'The open sessions, and of the last twenty of each lane those closed within a day: a device that was silent then may report late. A wall clock of 1972 would find the sessions of all years.';

create or replace function record_session_changes(ids uuid[]) returns void language sql
    security definer set search_path = pg_catalog, public, pg_temp as $$
    insert into session_changes as known (session_id)
        select id from sessions where id = any(ids) order by lane, number
        on conflict (session_id) do update set revision = known.revision + 1, xid = pg_current_xact_id();
$$;
comment on function record_session_changes is 'Raises the revision of sessions, in the order in which statements lock them: by lane.';

create or replace function record_gap_of_sessions() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform record_session_changes(array(
        select session_id from session_devices where device_id = new.device_id and session_id in (select recent_sessions())));
    return null;
end $$;

create or replace function redate_sessions() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.zero_at is distinct from old.zero_at then
        perform from sessions where new.host_boot_id in (start_host_boot_id, closing_host_boot_id)
            order by lane, number for update;
        perform record_session_changes(array(select id from sessions
            where new.host_boot_id in (start_host_boot_id, closing_host_boot_id)));
        -- greatest() ignores null: an open session stays open
        update sessions s set start_time = fresh.start_time,
            closing_time = case when s.closing_time is not null then greatest(fresh.closing_time, fresh.start_time) end,
            end_time = case when s.end_time is not null
                then greatest(coalesce(fresh.closing_time, s.end_time), fresh.start_time) end
            from (
                select id,
                    case when start_host_boot_id = new.host_boot_id and start_mono_ns is not null
                        then utc_of_boot(new, start_mono_ns) else start_time end as start_time,
                    case when closing_host_boot_id = new.host_boot_id and closing_mono_ns is not null
                        then utc_of_boot(new, closing_mono_ns) else closing_time end as closing_time
                from sessions where new.host_boot_id in (start_host_boot_id, closing_host_boot_id)
            ) fresh
            where fresh.id = s.id;
    end if;
    if tg_op = 'INSERT' or new.zero_at is distinct from old.zero_at or new.seen_after <> old.seen_after then
        perform record_session_changes(array(select recent_sessions()));
    end if;
    return null;
end $$;
