-- Commands to devices: an operator inserts a row, the device's daemon claims it, runs it and writes what came of it.
--
-- A command that no daemon claims within 10 s by this server's clock expires and never runs: an operator who waited in vain
-- must not find a device changed later.

alter table events drop constraint events_type_check;
alter table events add constraint events_type_check check (type in (
    'shot.created', 'shot.updated', 'shot.voided', 'session.opened', 'session.closed', 'device.status',
    'arrow.programmed', 'calibration.activated', 'reading.orphan', 'command.updated'));

create table commands (
    id bigint generated always as identity primary key,
    device_id text not null,
    kind text not null check (kind ~ '^[a-z][a-z0-9_]{0,39}$'),
    arguments jsonb not null default '{}'
        check (jsonb_typeof(arguments) = 'object' and length(arguments::text) <= 4000),
    who text not null check (btrim(who) <> ''),
    state text not null default 'pending'
        check (state in ('pending', 'running', 'done', 'failed', 'expired', 'cancelled')),
    requested_at timestamptz not null default statement_timestamp(),
    expires_at timestamptz not null default statement_timestamp() + interval '10 s',
    deadline_s double precision not null default 30 check (deadline_s > 0 and deadline_s <= 600),
    cancel_requested boolean not null default false,
    claimed_by uuid,
    claimed_at timestamptz,
    phase text,
    done integer check (done >= 0),
    total integer check (total >= 0),
    result jsonb check (jsonb_typeof(result) = 'object'),
    error text,
    hint text,
    finished_at timestamptz,
    check (expires_at <= requested_at + interval '10 s'),
    check ((claimed_by is null) = (claimed_at is null)),
    check (state <> 'running' or claimed_by is not null),
    check (state not in ('pending', 'expired') or claimed_by is null),
    check ((state in ('pending', 'running')) = (finished_at is null)),
    check ((state in ('failed')) = (error is not null))
);
comment on table commands is 'Commands to devices, the only way to one whose daemon runs. Those that ended 90 days ago are removed.';
comment on column commands.id is 'Number of the command; of one device they run in this order, one at a time.';
comment on column commands.kind is 'Name of the command, as the driver of the device defines it, such as read_config.';
comment on column commands.arguments is 'Its arguments, as the driver defines them.';
comment on column commands.who is 'The operator.';
comment on column commands.state is 'See edge.common.vocabulary.CommandState. Pending after expires_at counts as expired; expire_commands() writes it.';
comment on column commands.requested_at is 'When the operator requested it.';
comment on column commands.expires_at is 'Until when a daemon may claim it, by the clock of this server.';
comment on column commands.deadline_s is 'Longest time that it may run, in seconds.';
comment on column commands.cancel_requested is 'An operator wants it ended.';
comment on column commands.claimed_by is 'Run of the daemon that claimed it: a random id of each start.';
comment on column commands.claimed_at is 'When the daemon claimed it.';
comment on column commands.phase is 'Step that it has reached, in words; null before the first.';
comment on column commands.done is 'Steps that are complete; null where they are not counted.';
comment on column commands.total is 'Steps in all; null while their number is not known.';
comment on column commands.result is 'Values that the device read back.';
comment on column commands.error is 'Why it failed.';
comment on column commands.hint is 'What to do about the error; null when there is nothing more to say.';
comment on column commands.finished_at is 'When it ended; for an expired one expires_at.';

-- A device does one thing at a time, whichever daemon serves it.
create unique index commands_running on commands (device_id) where state = 'running';
create index commands_pending on commands (device_id, id) where state = 'pending';
create index commands_by_end on commands (finished_at);

create function accept_command() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    most constant integer := 16;
begin
    -- An operator requests; all else is written by the daemon.
    new.state := 'pending';
    new.requested_at := statement_timestamp();
    new.cancel_requested := false;
    new.claimed_by := null;
    new.claimed_at := null;
    new.phase := null;
    new.done := null;
    new.total := null;
    new.result := null;
    new.error := null;
    new.hint := null;
    new.finished_at := null;
    perform from devices where id = new.device_id for no key update;  -- one at a time: they are counted
    if (select count(*) from commands where device_id = new.device_id and state = 'pending'
            and expires_at > clock_timestamp()) >= most then
        raise exception '% has % waiting commands already', new.device_id, most
            using errcode = 'program_limit_exceeded';
    end if;
    delete from commands where finished_at < clock_timestamp() - interval '90 days';
    return new;
end $$;
comment on function accept_command is 'Makes a new row a mere request, bounds the waiting ones of a device, and removes those that ended 90 days ago.';
create trigger commands_accept before insert on commands for each row execute function accept_command();

create function cancel_pending_command() returns trigger language plpgsql as $$
begin
    new.cancel_requested := old.cancel_requested or new.cancel_requested;
    if new.cancel_requested and old.state = 'pending' and new.state = 'pending' then
        new.state := case when old.expires_at <= clock_timestamp() then 'expired' else 'cancelled' end;
        new.finished_at := least(old.expires_at, clock_timestamp());
    end if;
    return new;
end $$;
comment on function cancel_pending_command is 'Ends a command that is cancelled before a daemon claimed it. The daemon ends a running one.';
create trigger commands_cancel_pending before update of cancel_requested on commands
    for each row execute function cancel_pending_command();

create function expire_commands() returns integer language sql
    security definer set search_path = pg_catalog, public, pg_temp as $$
    with expired as (
        update commands set state = 'expired', finished_at = expires_at
        where id in (
            select id from commands where state = 'pending' and expires_at <= clock_timestamp() for update skip locked
        ) and state = 'pending'
        returning id
    )
    select count(*)::integer from expired
$$;
comment on function expire_commands is 'Writes that commands have expired, and returns their number. Every reader calls it: no daemon need run.';

create function announce_command() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and row (new.*) is not distinct from row (old.*) then
        return null;
    end if;
    perform pg_notify((select channel from installation) || '_commands', new.device_id || ' ' || new.id);
    insert into events (type, lane, data)
        values ('command.updated', (select lane from devices where id = new.device_id), to_jsonb(new) - 'claimed_by');
    return null;
end $$;
comment on function announce_command is 'Notifies <channel>_commands of a new or changed command, and writes command.updated. The payload is the device and the number.';
create trigger commands_announce after insert or update on commands for each row execute function announce_command();

-- At a centre the key of devices ends with the hub, and no daemon runs.
do $$
begin
    if (select is_centre from installation) is not true then
        alter table commands add foreign key (device_id) references devices (id) on delete cascade;
    end if;
end $$;
