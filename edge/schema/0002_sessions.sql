-- Sessions with their devices, targets, faces and arrows.

create table sessions (
    id uuid primary key default gen_random_uuid(),
    lane integer not null default 1 check (lane between 1 and 999),
    is_opened boolean not null default true,
    start_time timestamptz not null,
    start_mono_ns bigint,
    start_host_boot_id uuid,
    closing_time timestamptz,
    closing_mono_ns bigint,
    closing_host_boot_id uuid,
    end_time timestamptz,
    location varchar(255) not null,
    is_indoor boolean not null default false,
    arrows_per_end integer not null default 6 check (arrows_per_end between 1 and 72),
    end_timeout_s double precision not null default 60 check (end_timeout_s > 0),
    sighter_ends integer not null default 0 check (sighter_ends between 0 and 99),
    check (is_opened = (end_time is null)),
    check (end_time >= start_time),
    check (closing_time >= start_time)
);
comment on table sessions is 'Shooting sessions; at most one is open on a lane.';
comment on column sessions.is_opened is 'False once the session has ended.';
comment on column sessions.start_time is 'Start of the session; with start_mono_ns and start_host_boot_id one instant on the host''s clocks.';
comment on column sessions.closing_time is 'When closing was requested; shots released later belong to no session of the lane.';
comment on column sessions.end_time is 'When the session ended: every shot released before closing_time is decided.';
comment on column sessions.arrows_per_end is 'Arrows that the archer shoots in one end.';
comment on column sessions.end_timeout_s is 'Seconds without a reading after which an end closes, unless an arrow is nocked.';
comment on column sessions.sighter_ends is 'The first ends, this many, are sighters and count in no total. A number, not a mark on rows: ends and shots may be derived anew at any time.';
create unique index sessions_one_open_per_lane on sessions (lane) where is_opened;
create index sessions_by_lane on sessions (lane);

create table session_devices (
    session_id uuid not null references sessions (id) on delete cascade,
    device_id text not null references devices (id),
    kind text not null check (kind in ('bow', 'arrow', 'target')),
    since timestamptz,
    since_mono_ns bigint,
    since_host_boot_id uuid,
    until timestamptz,
    until_mono_ns bigint,
    until_host_boot_id uuid,
    watermark_at_close timestamptz,
    watermark_at_close_mono_ns bigint,
    watermark_at_close_host_boot_id uuid,
    unique nulls not distinct (session_id, device_id, since)
);
comment on table session_devices is 'Lane assignments: the devices of a session''s lane, one row for each time that a device was on it. A reading belongs to the lane that its device is on at that instant, so to one session at most. Written by triggers.';
comment on column session_devices.kind is 'Kind of the device.';
comment on column session_devices.since is 'From this instant on; null: since before the session.';
comment on column session_devices.until is 'Until just before this instant; null: to the end of the session.';
comment on column session_devices.watermark_at_close is 'Watermark of the device when the session ended. device_status is UNLOGGED and shows the present: without this a miss of last week could not be derived again after PostgreSQL crashed or the device was removed.';

create function assign_lane_devices() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into session_devices (session_id, device_id, kind, since, since_mono_ns, since_host_boot_id)
        select new.id, id, kind, lane_since, lane_since_mono_ns, lane_since_host_boot_id
        from devices where lane = new.lane and kind <> 'arrow';
    return null;
end $$;
comment on function assign_lane_devices is 'Assigns the lane''s devices to a new session.';
create trigger sessions_assign_lane_devices after insert on sessions
    for each row execute function assign_lane_devices();

create function assign_device_to_sessions() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.lane is distinct from old.lane then
        -- also of a session that ended a moment ago: its arrows may still have been in flight
        update session_devices d
            set until = new.lane_since, until_mono_ns = new.lane_since_mono_ns, until_host_boot_id = new.lane_since_host_boot_id
            from sessions s
            where s.id = d.session_id and d.device_id = new.id and d.until is null
                and (s.is_opened or s.end_time > now() - interval '1 min');
    end if;
    insert into session_devices (session_id, device_id, kind, since, since_mono_ns, since_host_boot_id)
        select id, new.id, new.kind, new.lane_since, new.lane_since_mono_ns, new.lane_since_host_boot_id
        from sessions where lane = new.lane and is_opened and new.kind <> 'arrow'
        on conflict do nothing;
    return null;
end $$;
comment on function assign_device_to_sessions is 'Ends a device''s assignment to its former lane''s session and assigns it to the open session of its new lane.';
create trigger devices_assign_to_sessions after insert or update of lane on devices
    for each row execute function assign_device_to_sessions();

create function keep_watermarks_at_close() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    update session_devices d
        set watermark_at_close = s.watermark, watermark_at_close_mono_ns = s.watermark_mono_ns,
            watermark_at_close_host_boot_id = s.watermark_host_boot_id
        from device_status s where s.device_id = d.device_id and d.session_id = new.id;
    return null;
end $$;
comment on function keep_watermarks_at_close is 'Keeps the watermark of each of its devices when a session ends.';
create trigger sessions_keep_watermarks_at_close after update on sessions
    for each row when (old.is_opened and not new.is_opened) execute function keep_watermarks_at_close();

create table targets (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null unique references sessions (id) on delete cascade,
    max_x double precision not null check (max_x > 0 and max_x < 100000),
    max_y double precision not null check (max_y > 0 and max_y < 100000),
    distance numeric(6, 3) not null check (distance > 0)
);
comment on table targets is 'The butt of a session.';
comment on column targets.max_x is 'Width of the butt in millimetres.';
comment on column targets.max_y is 'Height of the butt in millimetres.';
comment on column targets.distance is 'Distance from the shooting line in metres.';

create table faces (
    id uuid primary key default gen_random_uuid(),
    target_id uuid not null references targets (id) on delete cascade,
    human_identifier text not null check (human_identifier <> ''),
    code text not null,
    version integer not null,
    x double precision not null,
    y double precision not null,
    radii double precision[] not null check (cardinality(radii) > 0),
    points integer[] not null,
    x_radius double precision check (x_radius > 0),
    unique (target_id, human_identifier),
    check (cardinality(radii) = cardinality(points))
);
comment on table faces is 'Faces on a target.';
comment on column faces.human_identifier is 'Name of the face for people, such as A or upper left.';
comment on column faces.code is 'Code of the face in edge/shots/faces.py.';
comment on column faces.version is 'Version of that definition.';
comment on column faces.x is 'Centre of the face in millimetres from the left edge of the butt.';
comment on column faces.y is 'Centre of the face in millimetres from the lower edge of the butt.';
comment on column faces.radii is 'Outer radius of each ring in millimetres, ascending.';
comment on column faces.points is 'Points of each ring, descending.';
comment on column faces.x_radius is 'Radius of the X ring in millimetres; null without one.';

create function check_face() returns trigger language plpgsql as $$
declare
    butt targets := (select t from targets t where t.id = new.target_id);
    outer_radius double precision := new.radii[cardinality(new.radii)];
begin
    for i in 1 .. cardinality(new.radii) loop
        if new.radii[i] is null or new.radii[i] <= 0 or (i > 1 and new.radii[i] <= new.radii[i - 1]) then
            raise exception 'the radii of face % must be positive and strictly ascending', new.human_identifier
                using errcode = 'check_violation';
        end if;
        if new.points[i] is null or new.points[i] < 0 or (i > 1 and new.points[i] >= new.points[i - 1]) then
            raise exception 'the points of face % must be strictly descending', new.human_identifier
                using errcode = 'check_violation';
        end if;
    end loop;
    if butt.id is not null and (new.x - outer_radius < 0 or new.y - outer_radius < 0
            or new.x + outer_radius > butt.max_x or new.y + outer_radius > butt.max_y) then
        raise exception 'face % does not lie wholly on its target', new.human_identifier
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
comment on function check_face is 'Refuses a face that does not lie wholly on its target, or whose radii or points are out of order.';
create trigger faces_check before insert or update on faces for each row execute function check_face();

create function check_faces_of_target() returns trigger language plpgsql as $$
begin
    update faces set x = x where target_id = new.id;
    return null;
end $$;
comment on function check_faces_of_target is 'Checks every face of a target anew when its size changes.';
create trigger targets_check_faces after update of max_x, max_y on targets
    for each row execute function check_faces_of_target();

create table arrows (
    id uuid primary key check (id <> '00000000-0000-0000-0000-000000000000'),
    human_identifier varchar(10) not null check (human_identifier = btrim(human_identifier) and human_identifier <> ''),
    length double precision not null check (length > 0),
    is_programmed boolean not null default false,
    registration_date timestamptz not null default now(),
    voided_date timestamptz,
    is_active boolean not null default true,
    label_position double precision,
    weight double precision check (weight > 0),
    diameter double precision check (diameter > 0),
    spine double precision check (spine > 0),
    check (is_active = (voided_date is null))
);
comment on table arrows is 'Registered arrows.';
comment on column arrows.id is 'EPC of the arrow''s tag.';
comment on column arrows.human_identifier is 'Name on the shaft; one active arrow may bear it.';
comment on column arrows.length is 'Centimetres.';
comment on column arrows.is_programmed is 'Whether the EPC was written to the tag.';
comment on column arrows.voided_date is 'When the arrow was retired; null for an active one.';
comment on column arrows.is_active is 'False once the arrow is retired.';
comment on column arrows.label_position is 'Position of the tag on the shaft in centimetres.';
comment on column arrows.weight is 'Grams.';
comment on column arrows.diameter is 'Shaft diameter in millimetres; a line cutter scores by it.';
comment on column arrows.spine is 'Spine number of the shaft.';
create unique index arrows_active_identifier on arrows (human_identifier) where is_active;

create table end_marks (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null references sessions (id) on delete cascade,
    at timestamptz not null default clock_timestamp(),
    mono_ns bigint,
    host_boot_id uuid,
    who text not null,
    xid xid8 not null default pg_current_xact_id()
);
comment on table end_marks is 'Ends that an operator closed: the end that is open at this instant ends here.';
comment on column end_marks.at is 'Where the end is cut.';
comment on column end_marks.who is 'The operator.';
