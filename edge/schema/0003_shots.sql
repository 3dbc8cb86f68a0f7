-- Ends, shots and orphans: derived from readings, kept by the assembler, derivable again at any time.

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
comment on table ends is 'Ends of a session.';
comment on column ends.number is 'Number of the end in its session, from 1, sighter ends included.';
comment on column ends.opened_at is 'First nocking, release or landing of the end.';
comment on column ends.closed_at is 'When the end closed; null while it is open.';
comment on column ends.closed_by is 'Why it closed; see edge.common.vocabulary.EndClosure.';

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
    previous_value jsonb,
    corrected_at timestamptz,
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
comment on table shots is 'Shots, derived from the readings and the corrections.';
comment on column shots.id is 'UUID version 5 of the release, or of the landing without one: the same whenever it is derived.';
comment on column shots.end_number is 'Number of its end; null for a shot that belongs to none.';
comment on column shots.arrow_id is 'The registered arrow; null for an unknown one.';
comment on column shots.arrow_tag is 'EPC in lower-case hexadecimal as it was read.';
comment on column shots.arrow_engage_time is 'When the arrow was nocked; null when not detected.';
comment on column shots.arrow_disengage_time is 'When the arrow left the string; null for a landing without a release.';
comment on column shots.arrow_landing_time is 'When the arrow landed; null without a landing.';
comment on column shots.x is 'Landing in millimetres from the left edge of the butt.';
comment on column shots.y is 'Landing in millimetres from the lower edge of the butt.';
comment on column shots.result is 'See edge.common.vocabulary.Result.';
comment on column shots.points is 'Points; null while they are not known.';
comment on column shots.is_x is 'Whether the arrow touches the X ring.';
comment on column shots.face_version is 'Version of the face''s definition that the shot was scored by.';
comment on column shots.rule_version is 'Version of the assembly rules that the shot was derived by.';
comment on column shots.line_margin_mm is 'Distance of the shaft''s edge from the nearest scoring line in millimetres; positive inside the higher ring.';
comment on column shots.line_call is 'The margin is within the sensor''s accuracy: a judge should look.';
comment on column shots.diameter_mm is 'Shaft diameter that the shot was scored with.';
comment on column shots.diameter_assumed is 'That diameter is the default, because the arrow''s is not known.';
comment on column shots.assignment is 'How landing and release were matched; see edge.common.vocabulary.Assignment.';
comment on column shots.time_source is 'Devices that timed the shot; see edge.common.vocabulary.TimeSource.';
comment on column shots.tof_s is 'Time of flight in seconds.';
comment on column shots.speed_mps is 'Mean speed in metres per second.';
comment on column shots.flags is 'See edge.common.vocabulary.Flag and docs/shots.md.';
comment on column shots.release_device_id is 'With release_stream_id and release_seq the reading of the release.';
comment on column shots.landing_device_id is 'With landing_stream_id and landing_seq the reading of the landing.';
comment on column shots.revision is 'Incremented with every change of the row that is published.';
comment on column shots.void_reason is 'Why the shot is void.';
comment on column shots.previous_value is 'The published value before the present one: {"result", "points", "is_x"}.';
comment on column shots.corrected_at is 'When previous_value was replaced.';
create unique index shots_landing_used_once on shots (landing_device_id, landing_stream_id, landing_seq)
    where landing_seq is not null and result <> 'void';
create index shots_by_session on shots (session_id, arrow_disengage_time);
-- Finds the shots of an arrow that is registered after it was shot.
create index shots_of_unknown_arrows on shots (arrow_tag) where arrow_id is null;

create function keep_previous_value() returns trigger language plpgsql as $$
begin
    new.previous_value := jsonb_build_object('result', old.result, 'points', old.points, 'is_x', old.is_x);
    new.corrected_at := clock_timestamp();
    return new;
end $$;
comment on function keep_previous_value is 'Keeps the value of a shot that a change replaces. A pending shot has no value yet, so nothing is kept of it.';
create trigger shots_keep_previous_value before update on shots for each row
    when (old.result <> 'pending' and (old.result, old.points, old.is_x) is distinct from (new.result, new.points, new.is_x))
    execute function keep_previous_value();

create table orphans (
    id uuid primary key,
    session_id uuid not null references sessions (id),
    lane integer not null,
    device_id text not null,
    stream_id uuid not null,
    seq bigint not null,
    status text not null check (status in ('open', 'assigned', 'voided')),
    shot_id uuid references shots (id),
    noted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (device_id, stream_id, seq),
    foreign key (device_id, stream_id, seq) references readings (device_id, stream_id, seq),
    check ((status = 'assigned') = (shot_id is not null))
);
comment on table orphans is 'Landings that no release explains although a bow was working.';
comment on column orphans.id is 'Id of the shot that the landing would be by itself.';
comment on column orphans.status is 'See edge.common.vocabulary.OrphanStatus.';
comment on column orphans.shot_id is 'Shot that the landing was assigned to.';
comment on column orphans.noted_at is 'When the assembler found it.';
create index orphans_by_session on orphans (session_id);

create table assembly_progress (
    singleton boolean primary key default true check (singleton),
    before_xid xid8 not null default '0',
    rule_version integer not null default 1
);
comment on table assembly_progress is 'How far the assembler has read; exactly one row.';
comment on column assembly_progress.singleton is 'Always true: limits the table to one row.';
comment on column assembly_progress.before_xid is 'Readings of every transaction before this one are in the shots.';
comment on column assembly_progress.rule_version is 'Version of the assembly rules that the shots were derived by.';
insert into assembly_progress default values;
