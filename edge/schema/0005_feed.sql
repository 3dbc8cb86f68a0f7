-- The feed: one event for each change that clients hear of, written by triggers in the same transaction as the change.

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
comment on table events is 'The feed. Readers page by (xid, id) below pg_snapshot_xmin; events older than seven days are removed.';
comment on column events.id is 'Order within the transaction.';
comment on column events.xid is 'Transaction that wrote the event; readers wait until no older one can still write.';
comment on column events.type is 'See edge.common.vocabulary.EventType.';
comment on column events.lane is 'Lane that the event concerns; null for none.';
comment on column events.data is 'The changed row as JSON, with the names that a client shows.';
create index events_by_time on events (at);

create function ring_events_doorbell() returns trigger language plpgsql as $$
begin
    if exists (select from fresh) then
        perform pg_notify((select channel from installation), '');
    end if;
    return null;
end $$;
comment on function ring_events_doorbell is 'Notifies <channel> of new events: a doorbell, the events are read from the table.';
create trigger events_ring_doorbell after insert on events
    referencing new table as fresh for each statement execute function ring_events_doorbell();

create function emit_shot_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
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
comment on function emit_shot_event is 'Writes shot.created, shot.updated or shot.voided for each new revision.';
create trigger shots_emit_event after insert or update on shots for each row execute function emit_shot_event();

create function emit_session_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into events (type, lane, data) values ('session.opened', new.lane, to_jsonb(new));
    elsif old.is_opened and not new.is_opened then
        insert into events (type, lane, data) values ('session.closed', new.lane, to_jsonb(new));
    end if;
    return null;
end $$;
comment on function emit_session_event is 'Writes session.opened and session.closed.';
create trigger sessions_emit_event after insert or update on sessions for each row execute function emit_session_event();

create function emit_device_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'INSERT' or public_state(new) <> public_state(old) then
        insert into events (type, lane, data)
            select 'device.status', d.lane,
                to_jsonb(new) || jsonb_build_object('kind', d.kind, 'lane', d.lane, 'state', public_state(new))
            from devices d where d.id = new.device_id;
    end if;
    return null;
end $$;
comment on function emit_device_event is 'Writes device.status when the public state of a device changes.';
create trigger device_status_emit_event after insert or update on device_status
    for each row execute function emit_device_event();

create function emit_orphan_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.status = old.status then
        return null;
    end if;
    insert into events (type, lane, data)
        select 'reading.orphan', new.lane, to_jsonb(new) || jsonb_build_object('at', r.at, 'x', r.x_mm, 'y', r.y_mm,
            'tag', r.tag, 'human_identifier',
            (select human_identifier from arrows where replace(id::text, '-', '') = r.tag))
        from readings r where (r.device_id, r.stream_id, r.seq) = (new.device_id, new.stream_id, new.seq);
    return null;
end $$;
comment on function emit_orphan_event is 'Writes reading.orphan when an orphan appears and when its status changes, with the reading''s values.';
create trigger orphans_emit_event after insert or update on orphans for each row execute function emit_orphan_event();
