-- Sessions, targets, arrows and the shots made of readings.

create table sessions (
    id uuid primary key default gen_random_uuid(),
    lane integer not null default 1 check (lane between 1 and 999),
    is_opened boolean not null default true,
    start_time timestamptz not null,
    -- start_time on the host's CLOCK_MONOTONIC, so that a step of the wall clock moves no shot out of its session
    start_mono_ns bigint,
    start_boot_id uuid,
    -- close was asked for; end_time follows when every shot released before it is decided
    closing_time timestamptz,
    closing_mono_ns bigint,
    closing_boot_id uuid,
    end_time timestamptz,
    location varchar(255) not null,
    is_indoor boolean not null default false,
    arrows_per_end integer not null default 6 check (arrows_per_end between 1 and 72),
    end_timeout_s double precision not null default 60 check (end_timeout_s > 0),
    check (is_opened = (end_time is null)),
    check (end_time >= start_time),
    check (closing_time >= start_time)
);
create unique index sessions_one_open_per_lane on sessions (lane) where is_opened;

-- The lane's devices as opened, and those that joined it while it was open.
create table session_devices (
    session_id uuid not null references sessions (id) on delete cascade,
    device_id text not null references devices (id),
    kind text not null check (kind in ('bow', 'arrow', 'target')),
    primary key (session_id, device_id)
);

create function session_takes_lane_devices() returns trigger language plpgsql as $$
begin
    insert into session_devices (session_id, device_id, kind)
        select new.id, id, kind from devices where lane = new.lane and kind <> 'arrow';
    return null;
end $$;
create trigger sessions_take_devices after insert on sessions
    for each row execute function session_takes_lane_devices();

create function device_joins_open_session() returns trigger language plpgsql as $$
begin
    insert into session_devices (session_id, device_id, kind)
        select id, new.id, new.kind from sessions where lane = new.lane and is_opened and new.kind <> 'arrow'
        on conflict do nothing;
    return null;
end $$;
create trigger devices_join_session after insert or update of lane on devices
    for each row execute function device_joins_open_session();

create table targets (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null unique references sessions (id) on delete cascade,
    max_x double precision not null check (max_x > 0 and max_x < 100000),
    max_y double precision not null check (max_y > 0 and max_y < 100000),
    distance numeric(6, 3) not null check (distance > 0)
);

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

-- A face lies wholly on its target, its radii are positive and strictly ascending, its points descending.
create function face_is_sound() returns trigger language plpgsql as $$
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
create trigger faces_sound before insert or update on faces for each row execute function face_is_sound();

create function target_holds_its_faces() returns trigger language plpgsql as $$
begin
    update faces set x = x where target_id = new.id;
    return null;
end $$;
create trigger targets_hold_faces after update of max_x, max_y on targets
    for each row execute function target_holds_its_faces();

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
create unique index arrows_active_identifier on arrows (human_identifier) where is_active;

-- "Close the end now", said by a person.
create table end_marks (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null references sessions (id) on delete cascade,
    at timestamptz not null default clock_timestamp(),
    mono_ns bigint,
    host_boot_id uuid,
    who text not null,
    xid xid8 not null default pg_current_xact_id()
);

create table ends (
    id uuid primary key,
    session_id uuid not null references sessions (id) on delete cascade,
    number integer not null check (number > 0),
    opened_at timestamptz not null,
    closed_at timestamptz,
    closed_by text check (closed_by in ('tags', 'operator', 'timeout', 'session')),
    unique (session_id, number),
    check ((closed_at is null) = (closed_by is null))
);

create table shots (
    id uuid primary key,
    session_id uuid not null references sessions (id),
    lane integer not null,
    end_number integer,
    arrow_id uuid references arrows (id),
    arrow_tag text,
    arrow_engage_time timestamptz,
    arrow_disengage_time timestamptz,
    arrow_landing_time timestamptz,
    x double precision,
    y double precision,
    result text not null check (result in ('pending', 'hit', 'off_face', 'off_view', 'miss', 'unknown', 'not_shot', 'void')),
    points integer,
    is_x boolean not null default false,
    face_id uuid references faces (id),
    face_version integer,
    rule_version integer not null,
    line_margin_mm double precision,
    line_call boolean not null default false,
    diameter_mm double precision,
    diameter_assumed boolean not null default true,
    assignment text check (assignment in ('id', 'inferred', 'manual')),
    time_source text not null check (time_source in ('both', 'bow', 'target')),
    tof_s double precision check (tof_s > 0),
    speed_mps double precision check (speed_mps > 0),
    flags text[] not null default '{}',
    release_device_id text,
    release_stream_id uuid,
    release_seq bigint,
    landing_device_id text,
    landing_stream_id uuid,
    landing_seq bigint,
    revision integer not null default 1 check (revision > 0),
    void_reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    check ((arrow_landing_time is null) = (x is null) and (x is null) = (y is null)),
    check (arrow_engage_time <= arrow_disengage_time),
    check (release_seq is not null or landing_seq is not null),
    check ((result = 'void') = (void_reason is not null)),
    unique (release_device_id, release_stream_id, release_seq),
    foreign key (release_device_id, release_stream_id, release_seq) references readings (device_id, stream_id, seq),
    foreign key (landing_device_id, landing_stream_id, landing_seq) references readings (device_id, stream_id, seq)
);
create unique index shots_landing_used_once on shots (landing_device_id, landing_stream_id, landing_seq)
    where landing_seq is not null and result <> 'void';
create index shots_by_session on shots (session_id, arrow_disengage_time);

-- How far the assembler has read: every reading of a transaction before this one is in the shots.
create table assembly_progress (
    only_one boolean primary key default true check (only_one),
    before_xid xid8 not null default '0',
    rule_version integer not null default 1
);
insert into assembly_progress default values;
