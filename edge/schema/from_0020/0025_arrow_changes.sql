-- Arrows are registered, changed and removed through the HTTP API too, and the page hears of every change.
--
-- A removed arrow stays as a hidden row: its UUID is never given to another one, and its tag, if it has one, is recognised.

alter table arrows
    add column is_removed boolean not null default false,
    add constraint arrows_removed_is_voided check (not (is_removed and is_active));
comment on column arrows.is_removed is 'It was deleted through the HTTP API, which hides it unless it has a shot. It is voided; restoring it shows it again.';

create function emit_arrow_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into events (type, data) values ('arrow.created', to_jsonb(new));
    elsif to_jsonb(new) - 'xid' <> to_jsonb(old) - 'xid' then
        insert into events (type, data) values ('arrow.changed', to_jsonb(new));
    end if;
    return null;
end $$;
comment on function emit_arrow_event is 'Writes arrow.created and arrow.changed.';

create function remove_arrow(arrow uuid, who text) returns boolean language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    update arrows set is_removed = true, is_active = false, voided_date = coalesce(voided_date, clock_timestamp()),
            void_reason = coalesce(void_reason, 'removed'), voided_by = coalesce(voided_by, who)
        where id = arrow and tag_tid is null and not is_removed
            and not exists (select from shots where arrow_id = arrow);
    return found;
end $$;
comment on function remove_arrow is 'Hides an arrow that has no shot and no tag of a scanner; false for another one.';

create function lock_device(device text) returns void language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform from devices where id = device for no key update;
end $$;
comment on function lock_device is 'Lets one transaction at a time add to the calibrations of a device.';

-- A centre gets the events of its hubs by its own triggers on replicated rows.
do $$
begin
    if not exists (select from installation where is_centre) then
        create trigger arrows_emit_event after insert or update on arrows for each row execute function emit_arrow_event();
    end if;
end $$;
