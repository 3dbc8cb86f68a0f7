-- Devices and what they sensed.

-- One row: what this installation is called on the NOTIFY channel, and which life of the database this is.
create table installation (
    only_one boolean primary key default true check (only_one),
    channel text not null check (channel ~ '^[a-z_]{1,40}$'),
    epoch text not null default substr(replace(gen_random_uuid()::text, '-', ''), 1, 8),
    created_at timestamptz not null default now(),
    -- The last event that was forgotten for its age: whoever resumes before it has missed some.
    pruned_xid xid8 not null default '0',
    pruned_id bigint not null default 0
);

create table devices (
    id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    kind text not null check (kind in ('bow', 'arrow', 'target')),
    driver text not null,
    lane integer check (lane between 1 and 999),
    created_at timestamptz not null default now()
);

-- What a daemon knows of its device right now. UNLOGGED: a row a second must not wear out an SD card.
create unlogged table device_status (
    device_id text primary key references devices (id) on delete cascade,
    state text not null check (state in ('starting', 'waiting', 'ready', 'silent', 'lost', 'stopped')),
    since timestamptz not null,
    stream_id uuid,
    -- "I would have reported anything up to here": see docs/schema.md.
    watermark timestamptz,
    watermark_mono_ns bigint,
    host_boot_id uuid,
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
    updated_at timestamptz not null default clock_timestamp()
);

-- When a device was blind or its past cannot be known: no miss may be told of such a time.
create table device_gaps (
    device_id text not null references devices (id),
    stream_id uuid not null,
    from_at timestamptz not null,
    to_at timestamptz not null,
    from_mono_ns bigint,
    to_mono_ns bigint,
    host_boot_id uuid,
    reason text not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (device_id, stream_id, from_at),
    check (from_at <= to_at)
);

-- The clock of each stream, so that an event re-sent after a reboot is dated rightly.
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

-- Append-only. Values are raw, in the sensor's own frame.
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
    -- which transaction stored it: lets a reader find what is new whatever the order of commits
    xid xid8 not null default pg_current_xact_id(),
    primary key (device_id, stream_id, seq)
);
create index readings_by_xid on readings (xid);
create index readings_by_time on readings (device_id, at);

-- The doorbell: it says that something is there, the table says what.
create function ring_readings() returns trigger language plpgsql as $$
declare
    base text := (select channel from installation);
    devices_rung text[] := (select array_agg(distinct device_id) from fresh);
begin
    if devices_rung is not null then
        perform pg_notify(base || '_readings', case when cardinality(devices_rung) = 1 then devices_rung[1] else '' end);
    end if;
    return null;
end $$;
create trigger readings_ring after insert on readings
    referencing new table as fresh for each statement execute function ring_readings();
