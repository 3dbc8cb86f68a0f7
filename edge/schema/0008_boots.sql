-- Boots of hosts in the order in which this database saw them, and the dating of a boot whose wall clock is wrong. A hub without
-- a clock battery begins with a wall clock that stands before its last shutdown, so no order rests on the wall clock alone.

create table host_boots (
    host_boot_id uuid primary key,
    host_id uuid,
    recorded_by uuid not null,
    number double precision not null unique,
    seen_after double precision not null,
    first_at timestamptz not null,
    first_clock_ns bigint not null,
    at timestamptz not null,
    mono_ns bigint not null,
    not_before timestamptz not null,
    clock text not null check (clock in ('trusted', 'behind', 'corrected')),
    zero_at timestamptz
);
comment on table host_boots is 'Boots of the hosts that store readings or open sessions, in the order in which this database saw them.';
comment on column host_boots.host_boot_id is 'Id that Linux makes at each boot.';
comment on column host_boots.host_id is 'The host, derived from its machine id; null where it has none.';
comment on column host_boots.recorded_by is 'Boot in which the recording program ran; another one for an earlier boot whose readings waited on the disk.';
comment on column host_boots.number is 'Order of the boots. A boot found late has a fraction, between its neighbours.';
comment on column host_boots.seen_after is 'Newest number of the host''s boots when a program of this boot last recorded it. Greater than number only where two hosts share a machine id: their order is then unknown.';
comment on column host_boots.first_at is 'Wall clock when the boot was first recorded.';
comment on column host_boots.first_clock_ns is 'CLOCK_MONOTONIC at first_at.';
comment on column host_boots.at is 'When a program of the boot last recorded it, at least every minute: the latest pair of its clocks.';
comment on column host_boots.not_before is 'Last instant known of the host''s boot before this one. A wall clock before it is wrong.';
comment on column host_boots.clock is 'See edge.common.vocabulary.BootClock.';
comment on column host_boots.zero_at is 'UTC at which the monotonic clock was zero, for the instants of a boot whose clock was behind: the end of the boot before it, and once the clock was set the latest pair of clocks. Null where each instant''s own wall clock counts.';

create function utc_of_boot(boot host_boots, mono_ns bigint) returns timestamptz language sql immutable as $$
    select coalesce(boot.zero_at, boot.at - boot.mono_ns / 1000 * interval '1 microsecond')
        + mono_ns / 1000 * interval '1 microsecond'
$$;
comment on function utc_of_boot is 'UTC of a monotonic instant of a boot, by its latest pair of clocks.';

-- Null than_at: whenever. Boots that are of different hosts or not recorded have no order.
create function is_not_before(
    at timestamptz, mono_ns bigint, boot uuid, than_at timestamptz, than_mono_ns bigint, than_boot uuid
) returns boolean language sql stable as $$
    select case when boot = than_boot and mono_ns is not null and than_mono_ns is not null then mono_ns >= than_mono_ns
        else coalesce(
            (select case when one.number > other.number and one.number > other.seen_after then true
                    when one.number < other.number and one.seen_after < other.number then false end
                from host_boots one join host_boots other on (one.host_id = other.host_id) is not false
                where one.host_boot_id = boot and other.host_boot_id = than_boot),
            at >= coalesce(than_at, '-infinity')) end
$$;
comment on function is_not_before is 'Order of two instants: by the monotonic clock within one boot, by the boots of one host, else by the wall clock.';

-- A host without a machine id may be any host. The lock keeps two programs from giving two boots one number. The date is that of the first release with this table.
create function place_boot() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    released constant timestamptz := '2026-01-01T00:00:00Z';
    next_number double precision;
    previous host_boots;
begin
    perform from installation for update;
    if exists (select from host_boots where host_boot_id = new.host_boot_id) then
        return null;
    end if;
    select number into next_number from host_boots where host_boot_id = new.recorded_by and host_boot_id <> new.host_boot_id;
    if next_number is null then
        new.number := coalesce((select floor(max(number)) from host_boots), 0) + 1;
    else
        new.number := (next_number + coalesce((select max(number) from host_boots where number < next_number), next_number - 1)) / 2;
    end if;
    new.seen_after := new.number;
    select * into previous from host_boots b where (b.host_id = new.host_id) is not false and b.number < new.number
        order by b.number desc limit 1;
    new.not_before := greatest(utc_of_boot(previous, previous.mono_ns), released);
    new.clock := case when new.at < new.not_before then 'behind' else 'trusted' end;
    -- Where both clocks are plausible and far apart, either may be wrong: then no instant is moved.
    new.zero_at := case when new.clock = 'behind' and previous.host_boot_id is not null
            and (new.at < released or new.not_before - new.at < interval '31 days')
        then utc_of_boot(previous, previous.mono_ns) end;
    return new;
end $$;
comment on function place_boot is 'Numbers a new boot, and detects that its wall clock is behind.';
create trigger host_boots_place before insert on host_boots for each row execute function place_boot();

create function follow_boot_clock() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    zero constant timestamptz := new.at - new.mono_ns / 1000 * interval '1 microsecond';
begin
    new.seen_after := greatest(new.number,
        (select max(number) from host_boots b where (b.host_id = new.host_id) is not false));
    if old.clock <> 'trusted' and zero + old.first_clock_ns / 1000 * interval '1 microsecond' >= old.not_before
            and (old.clock = 'behind' or abs(extract(epoch from zero - old.zero_at)) > 1) then
        new.zero_at := zero;
        new.clock := 'corrected';
    end if;
    return new;
end $$;
comment on function follow_boot_clock is 'Dates a boot whose clock was behind by the latest pair of clocks, once the clock is past the last instant known.';
create trigger host_boots_follow_clock before update on host_boots for each row execute function follow_boot_clock();

-- Sessions in the order in which they were opened: that of a lane's sessions, whatever the wall clock. Old sessions have numbers
-- up to 0, so that those of a centre, which numbers its copies itself, never come after new ones.
alter table sessions add column number bigint;
alter table sessions disable trigger user;
update sessions s set number = o.number
    from (select id, hub_id, row_number() over (order by start_time, id) - count(*) over () as number from sessions) o
    where (o.id, o.hub_id) = (s.id, s.hub_id);
alter table sessions enable trigger user;
alter table sessions alter column number set not null, alter column number add generated by default as identity;
comment on column sessions.number is 'Order in which the sessions were opened, which no wall clock decides.';
create index sessions_by_lane_number on sessions (lane, number);
create index sessions_by_number on sessions (number);
drop index sessions_by_lane;
-- Sessions that are open, or outlived a boot, are few: a reading of a later boot finds them here.
create index sessions_across_boots on sessions (start_host_boot_id)
    where closing_host_boot_id is distinct from start_host_boot_id;

create function date_session() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    boot host_boots;
begin
    if tg_op = 'INSERT' and new.start_mono_ns is not null then
        select * into boot from host_boots where host_boot_id = new.start_host_boot_id and zero_at is not null;
        new.start_time := coalesce(utc_of_boot(boot, new.start_mono_ns), new.start_time);
    end if;
    if new.closing_mono_ns is not null and new.closing_host_boot_id is distinct from new.start_host_boot_id
            and (tg_op = 'INSERT' or old.closing_time is null) then
        select * into boot from host_boots where host_boot_id = new.closing_host_boot_id and zero_at is not null;
        new.closing_time := greatest(coalesce(utc_of_boot(boot, new.closing_mono_ns), new.closing_time), new.start_time);
        new.end_time := case when new.end_time is not null then new.closing_time end;
    end if;
    return new;
end $$;
comment on function date_session is 'Dates a session by its boot where the wall clock was behind.';
create trigger sessions_date before insert or update of closing_time on sessions
    for each row execute function date_session();

create function redate_sessions() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.zero_at is distinct from old.zero_at then
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
        perform record_session_changes(array(select id from sessions
            where is_opened or number > (select max(number) - 1000 from sessions) and end_time > now() - interval '1 day'));
    end if;
    return null;
end $$;
comment on function redate_sessions is 'Dates the sessions of a boot whose clock was set, and lets the assembler read the open ones with the boots anew.';
create trigger host_boots_redate_sessions after insert or update on host_boots
    for each row execute function redate_sessions();

-- As before, but at most the newest thousand sessions: a wall clock of 1972 would find those of all years.
create or replace function record_gap_of_sessions() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform record_session_changes(array(
        select d.session_id from session_devices d join sessions s on s.id = d.session_id
        where d.device_id = new.device_id and (s.is_opened
            or s.number > (select max(number) - 1000 from sessions) and s.end_time > now() - interval '1 day')));
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
        from sessions where lane = new.lane and is_opened and new.kind <> 'arrow'
        on conflict do nothing;
    return null;
end $$;

-- Boots of the sessions that exist, in the order of their sessions. They are of hosts that are not known.
do $$
declare
    boot record;
begin
    for boot in
        select host_boot_id, min(at) as first_at, min(mono_ns) as first_clock_ns, max(at) as at, max(mono_ns) as mono_ns
        from (
            select start_host_boot_id as host_boot_id, start_time as at, start_mono_ns as mono_ns from sessions
            union all
            select closing_host_boot_id, closing_time, closing_mono_ns from sessions
        ) known
        where host_boot_id is not null and mono_ns is not null
        group by host_boot_id order by min(at)
    loop
        insert into host_boots (host_boot_id, recorded_by, first_at, first_clock_ns, at, mono_ns)
            values (boot.host_boot_id, boot.host_boot_id, boot.first_at, boot.first_clock_ns, boot.at, boot.mono_ns);
    end loop;
    update host_boots set clock = 'trusted', zero_at = null where clock <> 'trusted';
end $$;
