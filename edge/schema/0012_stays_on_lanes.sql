-- A device may change lanes while sessions are open, be it carried there or that its lane was set wrongly. What it senses is of
-- the lane that it is on at that instant: of one session at most.
--
-- Instants are on the host's clocks, as those of readings are. Null: for as long as anybody knows.

alter table devices
    add column lane_since timestamptz,
    add column lane_since_mono_ns bigint,
    add column lane_since_boot_id uuid;

-- A device may leave and come back: a row for each stay, from "since" until just before "until".
alter table session_devices
    add column since timestamptz,
    add column since_mono_ns bigint,
    add column since_boot_id uuid,
    add column until timestamptz,
    add column until_mono_ns bigint,
    add column until_boot_id uuid,
    drop constraint session_devices_pkey,
    add unique nulls not distinct (session_id, device_id, since);

-- Whoever changes the lane may say since when; else it is now.
create function device_changes_lane() returns trigger language plpgsql as $$
begin
    if new.lane is not distinct from old.lane then
        new.lane_since := old.lane_since;
        new.lane_since_mono_ns := old.lane_since_mono_ns;
        new.lane_since_boot_id := old.lane_since_boot_id;
    elsif new.lane_since is not distinct from old.lane_since then
        new.lane_since := clock_timestamp();
        new.lane_since_mono_ns := null;
        new.lane_since_boot_id := null;
    end if;
    return new;
end $$;
create trigger devices_change_lane before update of lane on devices
    for each row execute function device_changes_lane();

create or replace function session_takes_lane_devices() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into session_devices (session_id, device_id, kind, since, since_mono_ns, since_boot_id)
        select new.id, id, kind, lane_since, lane_since_mono_ns, lane_since_boot_id
        from devices where lane = new.lane and kind <> 'arrow';
    return null;
end $$;

create or replace function device_joins_open_session() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.lane is distinct from old.lane then
        -- also of a session that ended a moment ago: arrows of it may still have been in the air
        update session_devices d
            set until = new.lane_since, until_mono_ns = new.lane_since_mono_ns, until_boot_id = new.lane_since_boot_id
            from sessions s
            where s.id = d.session_id and d.device_id = new.id and d.until is null
                and (s.is_opened or s.end_time > now() - interval '1 min');
    end if;
    insert into session_devices (session_id, device_id, kind, since, since_mono_ns, since_boot_id)
        select id, new.id, new.kind, new.lane_since, new.lane_since_mono_ns, new.lane_since_boot_id
        from sessions where lane = new.lane and is_opened and new.kind <> 'arrow'
        on conflict do nothing;
    return null;
end $$;

-- The session before another one of its lane is looked for with every computation.
create index sessions_by_lane on sessions (lane);

-- Until now such a device was in the open sessions of both lanes. What was told in that of the lane it left stays there, and
-- after the last of it the device is on its new lane.
with doubled as (
    select o.session_id as left_id, n.session_id as joined_id, d.id as device_id, b.start_time, b.start_mono_ns, b.start_boot_id
    from devices d
    join session_devices o on o.device_id = d.id join sessions a on a.id = o.session_id and a.lane is distinct from d.lane
    join session_devices n on n.device_id = d.id join sessions b on b.id = n.session_id and b.lane = d.lane
    where a.start_time < coalesce(b.end_time, 'infinity') and b.start_time < coalesce(a.end_time, 'infinity')
), claimed as (
    select session_id, release_device_id as device_id, release_stream_id as stream_id, release_seq as seq from shots
    union all select session_id, landing_device_id, landing_stream_id, landing_seq from shots
    union all select session_id, device_id, stream_id, seq from orphans
), border as (
    select d.left_id, d.joined_id, d.device_id, coalesce(r.at + interval '1 microsecond', d.start_time) as at,
        case when r.at is null then d.start_mono_ns else r.mono_ns + 1 end as mono_ns,
        case when r.at is null then d.start_boot_id else r.host_boot_id end as boot_id
    from doubled d
    left join lateral (
        select r.at, r.mono_ns, r.host_boot_id
        from claimed c join readings r using (device_id, stream_id, seq)
        where c.session_id = d.left_id and c.device_id = d.device_id
        order by r.at desc limit 1
    ) r on true
), latest as (
    select distinct on (device_id) * from border order by device_id, at desc
), settled as (
    update devices d set lane_since = b.at, lane_since_mono_ns = b.mono_ns, lane_since_boot_id = b.boot_id
    from latest b where d.id = b.device_id
), left_behind as (
    update session_devices d set until = b.at, until_mono_ns = b.mono_ns, until_boot_id = b.boot_id
    from border b where (d.session_id, d.device_id) = (b.left_id, b.device_id)
)
update session_devices d set since = b.at, since_mono_ns = b.mono_ns, since_boot_id = b.boot_id
from latest b where (d.session_id, d.device_id) = (b.joined_id, b.device_id);
