-- Many hubs, one range: each hub replicates its rows to a centre, where the key of every row begins with the hub's number.
-- replication.sql makes a database a hub that replicates, or the centre.

alter table installation
    add column hub_id integer not null default 0 check (hub_id between 0 and 999),
    add column is_centre boolean not null default false,
    add check (hub_id = 0 or not is_centre);
comment on column installation.hub_id is 'Number of this hub at the centre; 0 for a hub that replicates to none.';
comment on column installation.is_centre is 'Whether this database receives the rows of other hubs and has no devices of its own.';

-- A copy of device_status for the centre: that table is UNLOGGED and cannot be replicated.
create table device_states (
    device_id text primary key references devices (id) on delete cascade,
    state text not null check (state in ('starting', 'waiting', 'ready', 'silent', 'lost', 'stopped', 'degraded')),
    since timestamptz not null,
    watermark timestamptz,
    interval_s double precision not null,
    battery_percent smallint,
    rssi_dbm smallint,
    source text,
    firmware text,
    error text,
    hint text,
    spool_rows bigint not null,
    spool_bytes bigint not null,
    spool_oldest_at timestamptz,
    spool_error text,
    updated_at timestamptz not null
);
comment on table device_states is 'State of each device for the centre, replicated: written when the state changes, and every 30 s. Empty on a hub that replicates to none.';
comment on column device_states.state is 'Public state, see public_state().';
comment on column device_states.since is 'When the state began.';
comment on column device_states.watermark is 'Every event of the device up to this instant is stored on the hub.';
comment on column device_states.interval_s is 'Interval between heartbeats in seconds.';
comment on column device_states.rssi_dbm is 'Strength of the radio link in dBm.';
comment on column device_states.source is 'Where the readings come from; see drivers.contract.Source.';
comment on column device_states.error is 'The device''s fault, or null.';
comment on column device_states.hint is 'Remedy of the error.';
comment on column device_states.spool_rows is 'Reports in the daemon''s file on the hub''s disk, waiting for the database.';
comment on column device_states.spool_bytes is 'Size of that file in bytes.';
comment on column device_states.spool_oldest_at is 'Age of the oldest report in it.';
comment on column device_states.spool_error is 'Why the file cannot be used, or null.';
comment on column device_states.updated_at is 'On the hub: last heartbeat. At the centre: when the row arrived.';

do $$
declare
    name text;
begin
    foreach name in array array['devices', 'device_gaps', 'device_states', 'readings', 'sessions', 'targets', 'faces', 'arrows',
            'ends', 'shots', 'orphans', 'corrections'] loop
        execute format('alter table %I add column hub_id integer not null default 0', name);
        execute format('comment on column %I.hub_id is %L', name, 'Hub of the row, see installation.hub_id.');
    end loop;
end $$;
