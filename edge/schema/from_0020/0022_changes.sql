-- Events of what operators change on the page and through the HTTP API.

alter table events drop constraint events_type_check;
alter table events add constraint events_type_check check (type in (
    'shot.created', 'shot.updated', 'shot.voided', 'session.opened', 'session.closed', 'device.status',
    'arrow.programmed', 'calibration.activated', 'reading.orphan', 'command.updated', 'session.updated', 'session.deleted',
    'end.marked', 'arrow.created', 'arrow.changed', 'paper.entered'));

create or replace function emit_session_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into events (type, lane, data) values ('session.opened', new.lane, to_jsonb(new));
    elsif tg_op = 'DELETE' then
        insert into events (type, lane, data) values ('session.deleted', old.lane, to_jsonb(old));
    elsif old.is_opened and not new.is_opened then
        insert into events (type, lane, data) values ('session.closed', new.lane, to_jsonb(new));
    elsif (old.is_opened, old.closing_time, old.start_time, old.end_time, old.location, old.is_indoor, old.arrows_per_end,
            old.sighter_ends)
        is distinct from (new.is_opened, new.closing_time, new.start_time, new.end_time, new.location, new.is_indoor,
            new.arrows_per_end, new.sighter_ends) then
        insert into events (type, lane, data) values ('session.updated', new.lane, to_jsonb(new));
    end if;
    return null;
end $$;
comment on function emit_session_event is 'Writes session.opened, session.updated, session.closed and session.deleted.';

create function emit_end_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into events (type, lane, data)
        select 'end.marked', lane, to_jsonb(new) from sessions where id = new.session_id;
    return null;
end $$;
comment on function emit_end_event is 'Writes end.marked when an operator closes an end.';

-- A centre gets the events of its hubs by its own triggers on replicated rows.
do $$
begin
    if not exists (select from installation where is_centre) then
        create trigger sessions_emit_deletion after delete on sessions for each row execute function emit_session_event();
        create trigger end_marks_emit_event after insert on end_marks for each row execute function emit_end_event();
    end if;
end $$;
