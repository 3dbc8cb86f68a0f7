-- That a bow's clock is off shows only where its releases meet the target's landings. The assembler says it; all else in the
-- row is the daemon's own.

alter table device_status add column clock_off boolean not null default false;

-- The state that people are told.
create function told_state(status device_status) returns text language sql immutable as $$
    select case when status.state = 'ready' and status.clock_off then 'degraded' else status.state end
$$;

create or replace function tell_device() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'INSERT' or told_state(new) <> told_state(old) then
        insert into events (type, lane, data)
            select 'device.status', d.lane,
                to_jsonb(new) || jsonb_build_object('kind', d.kind, 'lane', d.lane, 'state', told_state(new))
            from devices d where d.id = new.device_id;
    end if;
    return null;
end $$;
