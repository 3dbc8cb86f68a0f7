-- The last instant known of a boot is that of all rows with its clock, not only of its own record, which is up to a minute old:
-- a hub that restarts within that minute with a wrong clock is noticed too.

create function last_instant_of_boot(boot host_boots) returns timestamptz language sql stable as $$
    select utc_of_boot(boot, greatest(boot.mono_ns,
        (select max(r.mono_ns) from devices d cross join lateral (
            select max(mono_ns) as mono_ns from readings where device_id = d.id and host_boot_id = boot.host_boot_id) r),
        (select max(watermark_mono_ns) from device_status where watermark_host_boot_id = boot.host_boot_id),
        (select max(greatest(case when start_host_boot_id = boot.host_boot_id then start_mono_ns end,
                             case when closing_host_boot_id = boot.host_boot_id then closing_mono_ns end))
            from (select * from sessions order by number desc limit 1000) newest)))
$$;
comment on function last_instant_of_boot is 'UTC of the last instant that any row shows of a boot, by its latest pair of clocks.';

create or replace function place_boot() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    released constant timestamptz := '2026-01-01T00:00:00Z';
    next_number double precision;
    previous host_boots;
    last_known timestamptz;
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
    if previous.host_boot_id is not null then
        last_known := last_instant_of_boot(previous);
    end if;
    new.not_before := greatest(last_known, released);
    new.clock := case when new.at < new.not_before then 'behind' else 'trusted' end;
    -- Where both clocks are plausible and far apart, either may be wrong: then no instant is moved.
    new.zero_at := case when new.clock = 'behind' and previous.host_boot_id is not null
            and (new.at < released or new.not_before - new.at < interval '31 days')
        then last_known end;
    return new;
end $$;
