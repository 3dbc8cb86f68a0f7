-- Where the raw positions of a target count from, and the calibrations of devices: stored versions, and which one is active since when.

alter table devices add column sensor_origin text not null default 'lower_left'
    check (sensor_origin in ('lower_left', 'centre'));
comment on column devices.sensor_origin is 'Targets: the point that raw positions count from, as its driver states it; see drivers.contract.SensorOrigin.';

-- A session keeps the origin of its devices, so that its shots stay where they are when another driver serves a device later.
-- Null takes no room in a table that each late reading is looked up in.
alter table session_devices add column sensor_origin text check (sensor_origin = 'centre');
comment on column session_devices.sensor_origin is 'As in devices while the session was open; null for the lower left corner.';

create function copy_sensor_origin() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    new.sensor_origin := (select nullif(sensor_origin, 'lower_left') from devices where id = new.device_id);
    return new;
end $$;
comment on function copy_sensor_origin is 'Gives a session the origin of a device that joins it.';
create trigger session_devices_copy_origin before insert on session_devices
    for each row execute function copy_sensor_origin();

create function pass_on_sensor_origin() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    update session_devices d set sensor_origin = nullif(new.sensor_origin, 'lower_left')
        from sessions s where s.id = d.session_id and s.is_opened and d.device_id = new.id;
    return null;
end $$;
comment on function pass_on_sensor_origin is 'Gives the open sessions of a device its new origin.';
create trigger devices_pass_on_origin after update of sensor_origin on devices
    for each row when (old.sensor_origin <> new.sensor_origin) execute function pass_on_sensor_origin();

create table calibrations (
    id uuid primary key default gen_random_uuid(),
    device_id text not null,
    kind text not null check (kind in ('target', 'bow')),
    version integer not null check (version > 0),
    model text check (model in ('similarity', 'affine')),
    parameters jsonb not null check (jsonb_typeof(parameters) = 'object'),
    points jsonb not null check (jsonb_typeof(points) = 'array'),
    sigma_mm double precision check (sigma_mm >= 0 and sigma_mm < 'Infinity'),
    centre_error_mm double precision check (centre_error_mm >= 0 and centre_error_mm < 'Infinity'),
    face_code text,
    is_accepted boolean not null default true,
    who text not null check (btrim(who) <> ''),
    at timestamptz not null,
    mono_ns bigint,
    host_boot_id uuid,
    note text,
    unique (device_id, kind, version),
    unique (id, device_id, kind),
    check ((kind = 'target') = (model is not null)),
    check ((kind = 'target') = (sigma_mm is not null) and (kind = 'target') = (centre_error_mm is not null)),
    check (kind <> 'target' or (jsonb_typeof(parameters -> 'xx') = 'number' and jsonb_typeof(parameters -> 'xy') = 'number'
        and jsonb_typeof(parameters -> 'yx') = 'number' and jsonb_typeof(parameters -> 'yy') = 'number'
        and jsonb_typeof(parameters -> 'x0_mm') = 'number' and jsonb_typeof(parameters -> 'y0_mm') = 'number'))
);
comment on table calibrations is 'Calibrations of devices, append-only. Which one is active since when is in calibration_activations.';
comment on column calibrations.kind is 'Of a target: the map from its positions to the butt. Of a bow: its threshold and latency. See edge.common.vocabulary.CalibrationKind.';
comment on column calibrations.version is 'Number of the calibration among those of the device and kind, from 1.';
comment on column calibrations.model is 'Targets: shape of the map; see edge.common.vocabulary.CalibrationModel.';
comment on column calibrations.parameters is 'Targets: x = xx * sensed_x + xy * sensed_y + x0_mm, y = yx * sensed_x + yy * sensed_y + y0_mm; rotation_deg and scale for people. Bows: see docs/calibration.md.';
comment on column calibrations.points is 'Targets: the points with name, known place, sensed place and residual in millimetres. Bows: the trials.';
comment on column calibrations.sigma_mm is 'Targets: standard deviation of a position in one direction, in millimetres.';
comment on column calibrations.centre_error_mm is 'Targets: standard error of the middle of the points, in millimetres.';
comment on column calibrations.face_code is 'Face that the points were on and whose limit sigma was compared with; null without one.';
comment on column calibrations.is_accepted is 'Whether sigma was within the limit of the face. The operator may store and activate another one all the same.';
comment on column calibrations.who is 'The operator.';
comment on column calibrations.note is 'The operator''s remark, or null.';

create table calibration_activations (
    id bigint generated always as identity primary key,
    device_id text not null,
    kind text not null check (kind in ('target', 'bow')),
    action text not null check (action in ('activate', 'rollback')),
    calibration_id uuid,
    at timestamptz not null,
    mono_ns bigint,
    host_boot_id uuid,
    who text not null check (btrim(who) <> ''),
    reason text not null check (btrim(reason) <> ''),
    foreign key (calibration_id, device_id, kind) references calibrations (id, device_id, kind),
    check (action = 'rollback' or calibration_id is not null)
);
comment on table calibration_activations is 'Which calibration of a device is active since when, append-only: of several the last one. A landing is mapped by the calibration that was active then.';
comment on column calibration_activations.kind is 'Kind of the calibration.';
comment on column calibration_activations.action is 'activate, or rollback to the calibration before; see edge.common.vocabulary.CalibrationAction.';
comment on column calibration_activations.calibration_id is 'The calibration that is active from then on; null for a rollback of the first one: none is.';
comment on column calibration_activations.who is 'The operator.';
create index calibration_activations_by_device on calibration_activations (device_id, kind, id);
create index calibration_activations_by_time on calibration_activations (device_id, kind, at, id);

create function refuse_change_of_calibrations() returns trigger language plpgsql as $$
begin
    raise exception '% are never changed or removed; add another one', replace(tg_table_name, '_', ' ')
        using errcode = 'restrict_violation';
end $$;
comment on function refuse_change_of_calibrations is 'Keeps calibrations and their activations append-only.';
create trigger calibrations_refuse_change before update or delete or truncate on calibrations
    for each statement execute function refuse_change_of_calibrations();
create trigger calibration_activations_refuse_change before update or delete or truncate on calibration_activations
    for each statement execute function refuse_change_of_calibrations();

create function record_activation_of_sessions() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform record_session_changes(array(
        select session_id from session_devices where device_id = new.device_id and session_id in (select recent_sessions())));
    return null;
end $$;
comment on function record_activation_of_sessions is 'Raises the revision of the sessions whose later landings a calibration concerns.';
create trigger calibration_activations_record_change after insert on calibration_activations
    for each row when (new.kind = 'target') execute function record_activation_of_sessions();

create function emit_calibration_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into events (type, lane, data)
        select 'calibration.activated', d.lane, to_jsonb(new) || jsonb_build_object('lane', d.lane, 'version', c.version,
            'model', c.model, 'sigma_mm', c.sigma_mm, 'face_code', c.face_code)
        from devices d left join calibrations c on c.id = new.calibration_id where d.id = new.device_id;
    return null;
end $$;
comment on function emit_calibration_event is 'Writes calibration.activated for each activation and rollback.';
create trigger calibration_activations_emit_event after insert on calibration_activations
    for each row execute function emit_calibration_event();

create table calibration_runs (
    id uuid primary key default gen_random_uuid(),
    device_id text not null,
    kind text not null check (kind in ('target', 'bow')),
    plan jsonb not null,
    taken jsonb not null default '[]' check (jsonb_typeof(taken) = 'array'),
    who text not null,
    started_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz
);
comment on table calibration_runs is 'Guided calibrations that are under way or were interrupted: the next command of the device goes on with them.';
comment on column calibration_runs.kind is 'Kind of the calibration.';
comment on column calibration_runs.plan is 'What is asked for. Targets: the points in their order.';
comment on column calibration_runs.taken is 'What was taken so far. Targets: for each point its sensed place, or that it was skipped.';
comment on column calibration_runs.who is 'The operator who began.';
comment on column calibration_runs.started_at is 'When it began.';
comment on column calibration_runs.ended_at is 'When it was stored as a calibration or given up; null while it can go on.';
create unique index calibration_runs_open on calibration_runs (device_id, kind) where ended_at is null;

alter table shots add column calibration_id uuid references calibrations (id);
comment on column shots.calibration_id is 'Calibration that was active at the landing and gave x and y; null for the nominal place of the sensor.';

-- The place of an orphan too is derived from its reading and the calibration.
alter table orphans add column x double precision, add column y double precision;
comment on column orphans.x is 'Landing in millimetres from the left edge of the butt; null where the sensor gave no position.';
comment on column orphans.y is 'Landing in millimetres from the lower edge of the butt.';
update orphans o set x = r.x_mm, y = r.y_mm from readings r
    where (r.device_id, r.stream_id, r.seq, r.hub_id) = (o.device_id, o.stream_id, o.seq, o.hub_id);
create or replace function emit_orphan_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.status = old.status then
        return null;
    end if;
    insert into events (type, lane, data)
        select 'reading.orphan', new.lane, to_jsonb(new) || jsonb_build_object('at', r.at, 'tag', r.tag, 'human_identifier',
            (select human_identifier from arrows where replace(id::text, '-', '') = r.tag))
        from readings r where (r.device_id, r.stream_id, r.seq) = (new.device_id, new.stream_id, new.seq);
    return null;
end $$;

-- At a centre the key of devices ends with the hub, and references are checked on their hub. On a hub that has its number
-- already the new rows bear it too.
do $$
declare
    place installation := (select i from installation i);
    name text;
begin
    foreach name in array array['calibrations', 'calibration_activations', 'calibration_runs'] loop
        if place.is_centre is not true then
            execute format('alter table %I add foreign key (device_id) references devices (id)', name);
        end if;
        if name <> 'calibration_runs' then
            execute format('alter table %I add column hub_id integer not null default %s', name, coalesce(place.hub_id, 0));
            execute format('comment on column %I.hub_id is %L', name, 'Hub of the row, see installation.hub_id.');
        end if;
    end loop;
end $$;
