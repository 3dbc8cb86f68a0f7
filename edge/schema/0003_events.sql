-- The feed: what is new, written in the same transaction as what it tells of.

create table events (
    id bigint generated always as identity,
    xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default clock_timestamp(),
    type text not null check (type in (
        'shot.created', 'shot.updated', 'shot.voided', 'session.opened', 'session.closed', 'device.status',
        'arrow.programmed', 'calibration.activated', 'reading.orphan')),
    lane integer,
    data jsonb not null,
    primary key (xid, id)
);
create index events_by_time on events (at);

create function ring_events() returns trigger language plpgsql as $$
begin
    if exists (select from fresh) then
        perform pg_notify((select channel from installation), '');
    end if;
    return null;
end $$;
create trigger events_ring after insert on events
    referencing new table as fresh for each statement execute function ring_events();

create function tell_shot() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.revision = old.revision then
        return null;
    end if;
    insert into events (type, lane, data) values (
        case when new.result = 'void' then 'shot.voided' when tg_op = 'INSERT' then 'shot.created' else 'shot.updated' end,
        new.lane,
        to_jsonb(new) || jsonb_build_object(
            'human_identifier', (select human_identifier from arrows where id = new.arrow_id),
            'face', (select human_identifier from faces where id = new.face_id)));
    return null;
end $$;
create trigger shots_tell after insert or update on shots for each row execute function tell_shot();

create function tell_session() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into events (type, lane, data) values ('session.opened', new.lane, to_jsonb(new));
    elsif old.is_opened and not new.is_opened then
        insert into events (type, lane, data) values ('session.closed', new.lane, to_jsonb(new));
    end if;
    return null;
end $$;
create trigger sessions_tell after insert or update on sessions for each row execute function tell_session();

create function tell_device() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' or new.state is distinct from old.state then
        insert into events (type, lane, data)
            select 'device.status', d.lane, to_jsonb(new) || jsonb_build_object('kind', d.kind, 'lane', d.lane)
            from devices d where d.id = new.device_id;
    end if;
    return null;
end $$;
create trigger device_status_tell after insert or update on device_status for each row execute function tell_device();
