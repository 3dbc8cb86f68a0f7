-- Lanes without tags: devices that scan arrows belong to a session's lane, a release may be known to be a shot, and each target
-- has its own dead time.

alter table readings drop constraint readings_kind_check;
alter table readings add constraint readings_kind_check
    check (kind in ('engage', 'release', 'landing', 'tags', 'pin', 'scan'));
comment on column readings.tag is 'EPC of the arrow in lower-case hexadecimal; of a scan, the tag that the device saw.';
comment on column readings.cause is 'Releases: shot when the device knows that the arrow flew, removed when the archer took it off; null when the device cannot distinguish.';

-- The default is that of drivers.contract.DriverInfo.
alter table devices add column dead_time_s double precision not null default 0.2 check (dead_time_s between 0 and 3);
comment on column devices.dead_time_s is 'Seconds within which two arrows may be one reading of the device; written by its daemon, from the driver.';

-- A session keeps the dead times of its devices, so that its shots stay as they are when another driver serves a device later.
-- Null takes no room in a table that each late reading is looked up in.
alter table session_devices add column dead_time_s double precision check (dead_time_s between 0 and 3);
comment on column session_devices.dead_time_s is 'As in devices while the session was open; null for 0.2 s.';

create function copy_dead_time() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    new.dead_time_s := (select nullif(dead_time_s, 0.2) from devices where id = new.device_id);
    return new;
end $$;
comment on function copy_dead_time is 'Gives a session the dead time of a device that joins it.';
create trigger session_devices_copy_dead_time before insert on session_devices
    for each row execute function copy_dead_time();

create function pass_on_dead_time() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    update session_devices d set dead_time_s = nullif(new.dead_time_s, 0.2)
        from sessions s where s.id = d.session_id and s.is_opened and d.device_id = new.id;
    return null;
end $$;
comment on function pass_on_dead_time is 'Gives the open sessions of a device its new dead time.';
create trigger devices_pass_on_dead_time after update of dead_time_s on devices
    for each row when (old.dead_time_s <> new.dead_time_s) execute function pass_on_dead_time();

create or replace function assign_lane_devices() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into session_devices (session_id, device_id, kind, since, since_mono_ns, since_host_boot_id)
        select new.id, id, kind, lane_since, lane_since_mono_ns, lane_since_host_boot_id
        from devices where lane = new.lane;
    return null;
end $$;

create or replace function assign_device_to_sessions() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.lane is distinct from old.lane then
        -- also of a session that ended a moment ago: its arrows may still have been in flight
        update session_devices d
            set until = new.lane_since, until_mono_ns = new.lane_since_mono_ns, until_host_boot_id = new.lane_since_host_boot_id
            from sessions s
            where s.id = d.session_id and d.device_id = new.id and d.until is null
                and (s.is_opened or s.end_time between now() - interval '1 min' and now() + interval '1 min');
    end if;
    insert into session_devices (session_id, device_id, kind, since, since_mono_ns, since_host_boot_id)
        select id, new.id, new.kind, new.lane_since, new.lane_since_mono_ns, new.lane_since_host_boot_id
        from sessions where lane = new.lane and is_opened
        on conflict do nothing;
    return null;
end $$;

-- Devices that scan arrows join the sessions that are open.
insert into session_devices (session_id, device_id, kind, since, since_mono_ns, since_host_boot_id)
    select s.id, d.id, d.kind, d.lane_since, d.lane_since_mono_ns, d.lane_since_host_boot_id
    from sessions s join devices d on d.lane = s.lane
    where s.is_opened and d.kind = 'arrow'
    on conflict do nothing;
