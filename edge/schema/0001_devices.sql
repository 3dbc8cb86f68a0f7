-- Devices and their readings.
--
-- An instant on the host's clocks has three columns, named alike in every table: <name> (timestamptz), <name>_mono_ns
-- (CLOCK_MONOTONIC in nanoseconds) and <name>_host_boot_id (the boot of the host that this clock counts from); without a name:
-- at, mono_ns, host_boot_id. Instants of one host boot are compared by mono_ns, so a step of the wall clock moves none of them.
--
-- A trigger function that writes another table runs with its owner's rights (security definer) and a fixed search_path, so that
-- no role needs the right to write that table.

comment on table schema_migrations is 'Migrations that were applied to this database, one row a file.';
comment on column schema_migrations.name is 'File name in edge/schema.';
comment on column schema_migrations.sha256 is 'SHA-256 of the file as it was applied; another text under the same name is refused.';
comment on column schema_migrations.applied_at is 'When the file was applied, or for grants.sql applied last.';

create table installation (
    singleton boolean primary key default true check (singleton),
    channel text not null check (channel ~ '^[a-z_]{1,40}$'),
    epoch text not null default substr(replace(gen_random_uuid()::text, '-', ''), 1, 8),
    created_at timestamptz not null default now(),
    pruned_xid xid8 not null default '0',
    pruned_id bigint not null default 0
);
comment on table installation is 'Facts about this database as a whole; exactly one row.';
comment on column installation.singleton is 'Always true: limits the table to one row.';
comment on column installation.channel is 'Base name of the NOTIFY channels (ARCH_STATS_WS_CHANNEL).';
comment on column installation.epoch is 'Random, new after a restore; first part of every public event id, so that ids of an earlier life do not match.';
comment on column installation.pruned_xid is 'xid of the newest event removed for its age; a client that resumes before it has missed events.';
comment on column installation.pruned_id is 'id of the newest event removed for its age.';

create table devices (
    id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    kind text not null check (kind in ('bow', 'arrow', 'target')),
    driver text not null,
    lane integer check (lane between 1 and 999),
    lane_since timestamptz,
    lane_since_mono_ns bigint,
    lane_since_host_boot_id uuid,
    created_at timestamptz not null default now()
);
comment on table devices is 'Every device that ever served this range.';
comment on column devices.id is 'ARCH_STATS_DEVICE_ID; also the name of the service and of its settings file.';
comment on column devices.kind is 'What the device watches; see drivers.contract.DeviceKind.';
comment on column devices.driver is 'Name of the driver in the registry, such as bow.link.';
comment on column devices.lane is 'Present lane; null for a device that belongs to no lane.';
comment on column devices.lane_since is 'When the device came to its lane; null when it has been there since it was registered.';

create function date_lane_change() returns trigger language plpgsql as $$
begin
    if new.lane is not distinct from old.lane then
        new.lane_since := old.lane_since;
        new.lane_since_mono_ns := old.lane_since_mono_ns;
        new.lane_since_host_boot_id := old.lane_since_host_boot_id;
    elsif new.lane_since is not distinct from old.lane_since then
        new.lane_since := clock_timestamp();
        new.lane_since_mono_ns := null;
        new.lane_since_host_boot_id := null;
    end if;
    return new;
end $$;
comment on function date_lane_change is 'Sets lane_since to now when the lane changes and the writer gives no instant.';
create trigger devices_date_lane_change before update of lane on devices
    for each row execute function date_lane_change();

create unlogged table device_status (
    device_id text primary key references devices (id) on delete cascade,
    state text not null check (state in ('starting', 'waiting', 'ready', 'silent', 'lost', 'stopped')),
    since timestamptz not null,
    stream_id uuid,
    watermark timestamptz,
    watermark_mono_ns bigint,
    watermark_host_boot_id uuid,
    interval_s double precision not null check (interval_s > 0),
    battery_percent smallint check (battery_percent between 0 and 100),
    rssi_dbm smallint,
    readings_total bigint not null default 0,
    queued integer not null default 0,
    counters jsonb not null default '{}',
    source text check (source in ('hardware', 'simulator', 'replay')),
    firmware text,
    error text,
    hint text,
    clock_off boolean not null default false,
    spool_rows bigint not null default 0,
    spool_bytes bigint not null default 0,
    spool_oldest_at timestamptz,
    spool_error text,
    updated_at timestamptz not null default clock_timestamp()
);
comment on table device_status is 'Present state of each device, written by its daemon. UNLOGGED: a row a second must not wear out an SD card.';
comment on column device_status.state is 'State as the daemon reports it; readers use public_state().';
comment on column device_status.since is 'When the state began.';
comment on column device_status.stream_id is 'Stream that the device reports now.';
comment on column device_status.watermark is 'Every event of the device up to this instant is stored.';
comment on column device_status.interval_s is 'Interval between heartbeats in seconds; after three without an update the device counts as silent.';
comment on column device_status.rssi_dbm is 'Strength of the radio link in dBm.';
comment on column device_status.readings_total is 'Readings stored by the daemon since it started.';
comment on column device_status.queued is 'Reports in the daemon''s memory that are not stored yet.';
comment on column device_status.counters is 'Counters of driver and daemon since the start: frames, drops, each under its cause.';
comment on column device_status.source is 'Where the readings come from; see drivers.contract.Source.';
comment on column device_status.error is 'What is wrong now, or null.';
comment on column device_status.hint is 'What to do about the error.';
comment on column device_status.clock_off is 'Written by the assembler: the bow''s releases and the target''s landings disagree on the time.';
comment on column device_status.spool_rows is 'Reports in the daemon''s file on the hub''s disk, waiting for the database.';
comment on column device_status.spool_bytes is 'Size of that file in bytes.';
comment on column device_status.spool_oldest_at is 'Age of the oldest report in it.';
comment on column device_status.spool_error is 'Why the file cannot be used now, or null.';

create function public_state(status device_status) returns text language sql immutable as $$
    select case when status.state = 'ready' and status.clock_off then 'degraded' else status.state end
$$;
comment on function public_state is 'State of a device as page, commands and events show it; see edge.common.vocabulary.DeviceState.';

create table device_gaps (
    device_id text not null references devices (id),
    stream_id uuid not null,
    since timestamptz not null,
    since_mono_ns bigint,
    since_host_boot_id uuid,
    until timestamptz not null,
    until_mono_ns bigint,
    until_host_boot_id uuid,
    reason text not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (device_id, stream_id, since),
    check (since <= until)
);
comment on table device_gaps is 'Intervals in which a device was blind or its events are lost. A shot whose landing window meets one is unknown, not a miss.';
comment on column device_gaps.stream_id is 'Stream that began at the end of the gap; a random id for lost events, which begin no stream.';
comment on column device_gaps.since is 'Start of the gap; 1970 when the device''s past is not known.';
comment on column device_gaps.until is 'End of the gap.';

create table stream_clocks (
    device_id text not null references devices (id),
    stream_id uuid not null,
    host_boot_id uuid not null,
    ref_ticks_us bigint not null,
    ref_mono_ns bigint not null,
    skew double precision not null,
    uncertainty_s double precision not null,
    skew_uncertainty double precision not null,
    updated_at timestamptz not null default now(),
    primary key (device_id, stream_id)
);
comment on table stream_clocks is 'Clock of each stream: mono = ref_mono + (ticks - ref_ticks) * (1 + skew). Dates events that a device sends again after a reboot.';
comment on column stream_clocks.ref_ticks_us is 'Device clock at the reference in microseconds.';
comment on column stream_clocks.ref_mono_ns is 'Host''s CLOCK_MONOTONIC at the reference in nanoseconds.';
comment on column stream_clocks.skew is 'Dimensionless; +1e-6: the device''s clock loses one microsecond a second.';
comment on column stream_clocks.uncertainty_s is 'Uncertainty of the mapping at the reference in seconds.';
comment on column stream_clocks.skew_uncertainty is 'Growth of the uncertainty per second away from the reference.';

create table readings (
    device_id text not null references devices (id),
    stream_id uuid not null,
    seq bigint not null check (seq > 0),
    kind text not null check (kind in ('engage', 'release', 'landing', 'tags', 'pin')),
    at timestamptz not null,
    uncertainty_s double precision check (uncertainty_s >= 0),
    mono_ns bigint,
    host_boot_id uuid not null,
    received_at timestamptz not null,
    source text not null check (source in ('hardware', 'simulator', 'replay')),
    tag text check (tag ~ '^([0-9a-f]{2})+$'),
    tags text[],
    x_mm double precision,
    y_mm double precision,
    rssi_dbm smallint,
    cause text,
    quality smallint check (quality between 0 and 100),
    reason text,
    xid xid8 not null default pg_current_xact_id(),
    primary key (device_id, stream_id, seq)
);
comment on table readings is 'Readings of the devices, append-only. Values are raw, in the sensor''s own frame.';
comment on column readings.stream_id is 'One boot of the device, or one opening of a device without boot ids.';
comment on column readings.seq is 'Number of the event in its stream, from 1, without holes.';
comment on column readings.kind is 'See drivers.contract.ReadingKind.';
comment on column readings.at is 'When it happened; the time of receipt when uncertainty_s is null.';
comment on column readings.uncertainty_s is 'Half width in seconds of the interval that holds the true instant; null when the instant is not known.';
comment on column readings.received_at is 'When the host received it.';
comment on column readings.source is 'Where the reading comes from; see drivers.contract.Source.';
comment on column readings.tag is 'EPC of the arrow in lower-case hexadecimal.';
comment on column readings.tags is 'Readings of kind tags: EPCs of all arrows in the butt.';
comment on column readings.x_mm is 'Millimetres, positive to the right as seen from the shooting line.';
comment on column readings.y_mm is 'Millimetres, positive upwards.';
comment on column readings.rssi_dbm is 'Strength of the tag''s answer in dBm.';
comment on column readings.cause is 'Releases: removed when the archer took the arrow off; null when the device cannot distinguish.';
comment on column readings.quality is 'Quality that the device reports, from 0 (worst) to 100.';
comment on column readings.reason is 'Why a value is missing.';
comment on column readings.xid is 'Transaction that stored it: a reader finds new rows whatever the order of commits.';
create index readings_by_xid on readings (xid);
create index readings_by_time on readings (device_id, at);
-- Finds the readings of a session by the monotonic clock. Rows arrive in the order of time, so a BRIN index of a few bytes per
-- block range suffices and costs an insert nothing.
create index readings_by_mono on readings using brin (host_boot_id, mono_ns)
    with (pages_per_range = 16, autosummarize = on);

create function ring_readings_doorbell() returns trigger language plpgsql as $$
declare
    base text := (select channel from installation);
    devices_rung text[] := (select array_agg(distinct device_id) from fresh);
begin
    if devices_rung is not null then
        perform pg_notify(base || '_readings', case when cardinality(devices_rung) = 1 then devices_rung[1] else '' end);
    end if;
    return null;
end $$;
comment on function ring_readings_doorbell is 'Notifies <channel>_readings of new rows: a doorbell, the rows are read from the table. The payload names the device when all rows are of one.';
create trigger readings_ring_doorbell after insert on readings
    referencing new table as fresh for each statement execute function ring_readings_doorbell();

create table quarantine (
    id bigint generated always as identity primary key,
    device_id text not null,
    kind text not null check (kind in ('reading', 'start', 'clock')),
    stream_id uuid not null,
    seq numeric not null,
    row jsonb not null,
    reason text not null,
    sqlstate text not null,
    at timestamptz not null default clock_timestamp(),
    settled_at timestamptz,
    unique (device_id, kind, stream_id, seq)
);
comment on table quarantine is 'Reports that the database refused for their content. They delay no other report; a technician looks at them.';
comment on column quarantine.kind is 'A reading, the start of a stream, or the clock of a stream.';
comment on column quarantine.seq is 'Sequence number, 0 for a report without one; numeric, because a number that is too large may be the reason.';
comment on column quarantine.row is 'The report as JSON.';
comment on column quarantine.reason is 'The database''s message.';
comment on column quarantine.sqlstate is 'The database''s error code.';
comment on column quarantine.at is 'When the report was refused.';
comment on column quarantine.settled_at is 'When a technician stored it or gave it up: the device''s watermark may then pass it.';
