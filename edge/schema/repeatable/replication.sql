-- Replication of hubs to a centre. Like the grants this file may change and is applied after every other: a column that a
-- migration adds is then published by the hub and visible at the centre. On any other database it only defines functions.
--
-- The hub: publish_hub(number). Readings, gaps, corrections, rescores, calibrations and ends on paper are published when they are inserted, all
-- other tables also when they are changed or deleted. Transaction ids stay on the hub: they mean nothing in another cluster.
--
-- The centre: build_centre(). Keys end with hub_id, so rows of two hubs never conflict. There are no foreign keys and no other
-- unique keys: a reference is checked on its hub, and a row that cannot be stored would stop the hub's replication.
-- Triggers of the centre fire for replicated rows (enable always), those of a hub do not.
--
-- Both run while rows are written, so they lock a table only for a change that is still missing.

create or replace function replicated_tables() returns table (name text, only_inserts boolean) language sql stable
    set search_path = pg_catalog, public, pg_temp as $$
    select * from (values ('devices', false), ('device_states', false), ('arrows', false), ('sessions', false), ('targets', false),
        ('faces', false), ('ends', false), ('shots', false), ('orphans', false),
        ('archers', false), ('slots', false), ('readings', true), ('device_gaps', true), ('corrections', true),
        ('rescores', true), ('rescored_calibrations', true), ('calibrations', true), ('calibration_activations', true),
        ('paper_ends', true)
    ) t (name, only_inserts) where to_regclass(t.name) is not null
$$;
comment on function replicated_tables is 'Tables of this schema that a hub publishes; of some only new rows.';

create or replace function hub_lane(hub_id integer, lane integer) returns integer language sql immutable
    return hub_id * 1000 + lane;
comment on function hub_lane is 'Number at the centre of a hub''s lane: 2001 is lane 1 of hub 2.';

create or replace function hub_device(hub_id integer, device_id text) returns text language sql immutable
    return 'hub' || hub_id::text || '/' || device_id;
comment on function hub_device is 'Name at the centre of a hub''s device, such as hub2/bow-1.';

create or replace function primary_key_columns(of_table regclass) returns text[] language sql stable
    set search_path = pg_catalog, public, pg_temp as $$
    select array_agg(a.attname::text order by a.attname = 'hub_id', a.attname = 'device_id', k.place)
    from pg_index i cross join unnest(i.indkey) with ordinality k (attnum, place)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = of_table and i.indisprimary
$$;
comment on function primary_key_columns is 'Columns of a primary key, device and hub at the end: the others select better.';

create or replace function has_trigger(of_table regclass, trigger_name text) returns boolean language sql stable
    set search_path = pg_catalog, public, pg_temp as $$
    select exists (select from pg_trigger where tgrelid = of_table and tgname = trigger_name)
$$;
comment on function has_trigger is 'Whether a table has a trigger of this name.';

create or replace function keep_device_state() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if exists (
        select from device_states s where s.device_id = new.device_id and s.state = public_state(new)
            and (s.error, s.spool_error) is not distinct from (new.error, new.spool_error)
            and s.updated_at between new.updated_at - interval '30 s' and new.updated_at  -- not after the clock was set back
    ) then
        return null;
    end if;
    insert into device_states as s (device_id, state, since, watermark, interval_s, battery_percent, rssi_dbm, source, firmware,
            error, hint, spool_rows, spool_bytes, spool_oldest_at, spool_error, chatters, updated_at)
        values (new.device_id, public_state(new), new.since, new.watermark, new.interval_s, new.battery_percent, new.rssi_dbm,
            new.source, new.firmware, new.error, new.hint, new.spool_rows, new.spool_bytes, new.spool_oldest_at,
            new.spool_error, new.chatters, new.updated_at)
        on conflict (device_id) do update set state = excluded.state, since = excluded.since, watermark = excluded.watermark,
            interval_s = excluded.interval_s, battery_percent = excluded.battery_percent, rssi_dbm = excluded.rssi_dbm,
            source = excluded.source, firmware = excluded.firmware, error = excluded.error, hint = excluded.hint,
            spool_rows = excluded.spool_rows, spool_bytes = excluded.spool_bytes, spool_oldest_at = excluded.spool_oldest_at,
            spool_error = excluded.spool_error, chatters = excluded.chatters, updated_at = excluded.updated_at;
    return null;
end $$;
comment on function keep_device_state is 'Copies the state of a device for the centre when it changes, and every 30 s.';

create or replace function set_hub_number(number integer) returns void language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
declare
    each record;
begin
    for each in select name from replicated_tables() loop
        -- A new column with a constant default fills all rows without writing them.
        execute format('alter table %I drop column hub_id, add column hub_id integer not null default %s', each.name, number);
        execute format('comment on column %I.hub_id is %L', each.name, 'Hub of the row, see installation.hub_id.');
    end loop;
    update installation set hub_id = number;
end $$;
comment on function set_hub_number is 'Gives every row of this hub its number at the centre.';

create or replace function publish_hub() returns void language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
declare
    each record;
    columns text;
    lists text[] := array['', ''];
begin
    for each in select t.name, t.only_inserts, 1 + t.only_inserts::integer as list from replicated_tables() t loop
        if not each.only_inserts and to_regclass(quote_ident(each.name || '_replicated')) is null then
            -- The centre finds a changed row by these columns.
            execute format('create unique index %I on %I (hub_id, %s)', each.name || '_replicated', each.name,
                (select string_agg(quote_ident(k), ', ') from unnest(primary_key_columns(each.name::regclass)) k));
            execute format('alter table %1$I replica identity using index %2$I', each.name, each.name || '_replicated');
        end if;
        select string_agg(quote_ident(attname), ', ' order by attnum) into columns from pg_attribute
            where attrelid = each.name::regclass and attnum > 0 and not attisdropped and atttypid <> 'xid8'::regtype;
        lists[each.list] := lists[each.list] || format(', %I (%s)', each.name, columns);
    end loop;
    if not exists (select from pg_publication where pubname = 'archstats_hub') then
        create publication archstats_hub with (publish = 'insert, update, delete');
        create publication archstats_hub_log with (publish = 'insert');
    end if;
    execute 'alter publication archstats_hub set table ' || substr(lists[1], 3);
    execute 'alter publication archstats_hub_log set table ' || substr(lists[2], 3);
    if not has_trigger('device_status', 'device_status_keep_state') then
        create trigger device_status_keep_state after insert or update on device_status
            for each row execute function keep_device_state();
    end if;
    update device_status set updated_at = updated_at;
end $$;
comment on function publish_hub is 'Publishes the tables of a hub with their present columns.';

create or replace function unpublish_hub() returns void language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
declare
    each record;
begin
    drop publication if exists archstats_hub, archstats_hub_log;
    drop trigger if exists device_status_keep_state on device_status;
    truncate device_states;
    for each in select name from replicated_tables() loop
        execute format('alter table %I replica identity default', each.name);
        execute format('drop index if exists %I', each.name || '_replicated');
    end loop;
    perform set_hub_number(0);
end $$;
comment on function unpublish_hub is 'Undoes publish_hub and set_hub_number.';

create or replace function emit_hub_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    kind text;
    at_lane integer;
    content jsonb;
begin
    if tg_table_name = 'shots' then
        if new.updated_at > now() - interval '7 days' and (tg_op = 'INSERT' or new.revision <> old.revision) then
            kind := case when new.result = 'void' then 'shot.voided' when tg_op = 'INSERT' then 'shot.created' else 'shot.updated' end;
            select s.lane, to_jsonb(s) || jsonb_build_object('human_identifier', a.human_identifier, 'face', f.human_identifier,
                    'slot', p.letter)
                into at_lane, content from archstats_push.shots s
                left join arrows a on (a.id, a.hub_id) = (s.arrow_id, s.hub_id)
                left join faces f on (f.id, f.hub_id) = (s.face_id, s.hub_id)
                left join slots p on (p.id, p.hub_id) = (s.slot_id, s.hub_id)
                where (s.id, s.hub_id) = (new.id, new.hub_id);
        end if;
    elsif tg_table_name = 'sessions' then
        if new.start_time > now() - interval '7 days' and (tg_op = 'INSERT' or new is distinct from old) then
            kind := case when tg_op = 'INSERT' then 'session.opened' when old.is_opened and not new.is_opened then 'session.closed'
                else 'session.updated' end;
            select s.lane, to_jsonb(s) into at_lane, content from archstats_push.sessions s
                where (s.id, s.hub_id) = (new.id, new.hub_id);
        end if;
    elsif tg_table_name = 'orphans' then
        if new.updated_at > now() - interval '7 days' and (tg_op = 'INSERT' or new.status <> old.status) then
            kind := 'reading.orphan';
            select o.lane, to_jsonb(o) || jsonb_build_object('at', r.at, 'tag', r.tag,
                'human_identifier',
                (select human_identifier from arrows a where replace(a.id::text, '-', '') = r.tag and a.hub_id = o.hub_id))
                into at_lane, content from archstats_push.orphans o
                left join readings r
                    on (r.device_id, r.stream_id, r.seq, r.hub_id) = (new.device_id, new.stream_id, new.seq, new.hub_id)
                where (o.id, o.hub_id) = (new.id, new.hub_id);
        end if;
    elsif tg_table_name = 'calibration_activations' then
        if new.at > now() - interval '7 days' then
            kind := 'calibration.activated';
            -- the calibration itself was inserted before it
            select d.lane, to_jsonb(a) || jsonb_build_object('lane', d.lane, 'version', c.version, 'model', c.model,
                'sigma_mm', c.sigma_mm, 'face_code', c.face_code)
                into at_lane, content from archstats_push.calibration_activations a
                join archstats_push.devices d on d.id = a.device_id
                left join calibrations c on (c.id, c.hub_id) = (a.calibration_id, a.hub_id)
                where (a.id, a.hub_id) = (new.id, new.hub_id);
        end if;
    elsif tg_table_name = 'paper_ends' then
        if new.at > now() - interval '7 days' then
            kind := 'paper.entered';
            select s.lane, to_jsonb(p) into at_lane, content from archstats_push.paper_ends p
                join archstats_push.sessions s on (s.id, s.hub_id) = (p.session_id, p.hub_id)
                where (p.id, p.hub_id) = (new.id, new.hub_id);
        end if;
    elsif tg_op = 'INSERT' or new.state <> old.state then
        kind := 'device.status';
        select d.lane, to_jsonb(s) || jsonb_build_object('kind', d.kind, 'lane', d.lane) into at_lane, content
            from archstats_push.device_status s join archstats_push.devices d on d.id = s.device_id
            where s.device_id = hub_device(new.hub_id, new.device_id);
    end if;
    if content is not null then
        insert into events (type, lane, data) values (kind, at_lane, content);
    end if;
    return null;
end $$;
comment on function emit_hub_event is 'Writes the centre''s event for a replicated row. Rows older than the feed write none: the first copy has years of them.';

create or replace function date_arrival() returns trigger language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    new.updated_at := clock_timestamp();
    return new;
end $$;
comment on function date_arrival is 'Dates a state by the centre''s clock, so that a hub with a wrong clock is not silent.';

create or replace function key_by_hub(of_table regclass) returns void language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
declare
    key text := array_to_string(primary_key_columns(of_table) || 'hub_id'::text, ', ');
    each record;
begin
    if 'hub_id' = any (primary_key_columns(of_table)) then
        return;
    end if;
    for each in select conname from pg_constraint where conrelid = of_table and contype = 'f' loop
        execute format('alter table %s drop constraint %I', of_table, each.conname);
    end loop;
    for each in
        select i.indexrelid::regclass as index, i.indisprimary, c.conname,
            replace(pg_get_indexdef(i.indexrelid), 'CREATE UNIQUE INDEX', 'CREATE INDEX') as definition
        from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.conrelid = i.indrelid
        where i.indrelid = of_table and i.indisunique
    loop
        if each.conname is not null then
            execute format('alter table %s drop constraint %I cascade', of_table, each.conname);
        else
            execute format('drop index %s', each.index);
        end if;
        if not each.indisprimary then
            execute each.definition;
        end if;
    end loop;
    execute format('alter table %s add primary key (%s)', of_table, key);
end $$;
comment on function key_by_hub is 'Ends the primary key of a table with hub_id, and removes all other conditions that span rows.';

create or replace function renew_view(view_name text, definition text) returns void language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
begin
    if obj_description(to_regclass(format('archstats_push.%I', view_name))) is distinct from md5(definition) then
        execute format('create or replace view archstats_push.%I as %s', view_name, definition);
        execute format('comment on view archstats_push.%I is %L', view_name, md5(definition));
    end if;
end $$;
comment on function renew_view is 'Creates a view of the centre unless it has this definition, whose MD5 is its comment: replacing a view waits for its readers.';

create or replace function build_centre() returns void language plpgsql
    set search_path = pg_catalog, public, pg_temp as $$
declare
    each record;
    columns text;
    emitter text;
begin
    -- A role finds its own tables first ("$user" in search_path): push reads these views and needs no other query.
    create schema if not exists archstats_push;
    comment on schema archstats_push is 'The tables as push reads them at the centre: lanes and devices bear the number of their hub.';
    for each in select name from replicated_tables() loop
        perform key_by_hub(each.name::regclass);
        select string_agg(case
                when attname = 'lane' then 'hub_lane(hub_id, lane) as lane'
                when attname like '%device_id' or each.name = 'devices' and attname = 'id'
                    then format('hub_device(hub_id, %1$I) as %1$I', attname)
                else quote_ident(attname) end, ', ' order by attnum)
            into columns from pg_attribute where attrelid = each.name::regclass and attnum > 0 and not attisdropped;
        perform renew_view(each.name, format('select %s from public.%I', columns, each.name));
    end loop;
    if exists (select from pg_constraint where conrelid = 'arrows'::regclass and conname = 'arrows_bounds') then
        alter table arrows drop constraint arrows_bounds;  -- a hub of an older version has none
    end if;
    -- A device reports every 30 s at least; after three times that without a row it is silent.
    select string_agg(case attname when 'device_id' then 'hub_device(hub_id, device_id) as device_id'
            when 'interval_s' then 'greatest(interval_s, 30) as interval_s' else quote_ident(attname) end, ', ' order by attnum)
        into columns from pg_attribute
        where attrelid = 'device_states'::regclass and attnum > 0 and not attisdropped and attname <> 'hub_id';
    perform renew_view('device_status', format('select %s from public.device_states', columns));
    create or replace function archstats_push.public_state(status archstats_push.device_status) returns text
        language sql immutable return status.state;
    grant usage on schema archstats_push to archstats_push;
    grant select on all tables in schema archstats_push to archstats_push;

    if to_regclass('sessions_by_hub_lane') is null then
        create index sessions_by_hub_lane on sessions (hub_lane(hub_id, lane));
        create index readings_by_hub_device on readings (hub_device(hub_id, device_id), at);
        create trigger device_states_date_arrival before insert or update on device_states
            for each row execute function date_arrival();
        alter table device_states enable always trigger device_states_date_arrival;
        alter table events enable always trigger events_ring_doorbell;
    end if;
    for emitter in select name from replicated_tables()
            where name in ('shots', 'sessions', 'orphans', 'calibration_activations', 'paper_ends', 'device_states') loop
        if not has_trigger(emitter::regclass, emitter || '_emit_hub_event') then
            execute format('create trigger %1$I after insert or update on %2$I for each row execute function emit_hub_event()',
                emitter || '_emit_hub_event', emitter);
            execute format('alter table %2$I enable always trigger %1$I', emitter || '_emit_hub_event', emitter);
        end if;
    end loop;

    -- No daemon works at the centre, and operators correct shots on their hub.
    revoke all on all tables in schema public from archstats_sensor, archstats_shots, archstats_api, archstats_operator;
    grant select on schema_migrations, installation to archstats_sensor, archstats_shots, archstats_api, archstats_operator;
    grant select, delete on events to archstats_operator;
    grant update (pruned_xid, pruned_id) on installation to archstats_operator;
end $$;
comment on function build_centre is 'Makes this database a centre, or brings a centre to the present columns.';

do $$
begin
    perform publish_hub() from installation where hub_id > 0;
    perform build_centre() from installation where is_centre;
end $$;
