-- What waits on the hub's disk because the database was away, and what can never be stored.

alter table device_status
    add column spool_rows bigint not null default 0,
    add column spool_bytes bigint not null default 0,
    add column spool_oldest_at timestamptz,
    add column spool_error text;

-- Reports that the database refused for what is in them. They hold up nobody else; a person looks at them.
create table quarantine (
    id bigint generated always as identity primary key,
    device_id text not null,
    what text not null check (what in ('reading', 'start', 'clock')),
    stream_id uuid not null,
    -- numeric, for a number that is too large may be the very reason
    seq numeric not null,
    row jsonb not null,
    reason text not null,
    sqlstate text not null,
    at timestamptz not null default clock_timestamp(),
    -- Set by a person who has stored it by hand or given it up: the device's watermark may then pass it.
    settled_at timestamptz,
    unique (device_id, what, stream_id, seq)
);
