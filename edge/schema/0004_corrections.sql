-- What people decided about shots, and what waits for a person to decide.
--
-- What a trigger here writes in other tables it writes with the owner's rights, as for the feed.

-- Append-only: the last word on a shot or a landing holds, and every earlier one stays on record. Applied after everything
-- that the readings say, so computing the shots again never undoes a judge.
create table corrections (
    id bigint generated always as identity primary key,
    session_id uuid not null references sessions (id),
    -- of a shot: result, restore (what was decided is taken back); of a landing: assign, dismiss, reopen
    kind text not null check (kind in ('result', 'restore', 'assign', 'dismiss', 'reopen')),
    -- the shot's release, or its landing when it has none; of the last three kinds the landing
    device_id text not null,
    stream_id uuid not null,
    seq bigint not null,
    who text not null check (btrim(who) <> ''),
    why text not null check (btrim(why) <> ''),
    old jsonb not null,
    new jsonb not null,
    at timestamptz not null default clock_timestamp(),
    foreign key (device_id, stream_id, seq) references readings (device_id, stream_id, seq),
    check (kind <> 'result' or (
        new ->> 'result' in ('hit', 'off_face', 'miss', 'unknown', 'not_shot', 'void')
        and jsonb_typeof(new -> 'points') in ('number', 'null')
        and jsonb_typeof(new -> 'is_x') = 'boolean')),
    -- to which release; null makes the landing a shot of its own
    check (kind <> 'assign' or jsonb_typeof(new -> 'release') in ('object', 'null'))
);
create index corrections_by_session on corrections (session_id, id);

create function corrections_stay() returns trigger language plpgsql as $$
begin
    raise exception 'corrections are never changed or removed; add one that says otherwise'
        using errcode = 'restrict_violation';
end $$;
create trigger corrections_append_only before update or delete or truncate on corrections
    for each statement execute function corrections_stay();

-- Landings that no release explains beside a working bow. Derived: the assembler keeps it.
create table orphans (
    -- of the shot that it would be by itself
    id uuid primary key,
    session_id uuid not null references sessions (id),
    lane integer not null,
    device_id text not null,
    stream_id uuid not null,
    seq bigint not null,
    status text not null check (status in ('open', 'assigned', 'voided')),
    -- which shot it became
    shot_id uuid references shots (id),
    noted_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (device_id, stream_id, seq),
    foreign key (device_id, stream_id, seq) references readings (device_id, stream_id, seq),
    check ((status = 'assigned') = (shot_id is not null))
);
create index orphans_by_session on orphans (session_id);

-- Told when an orphan appears and when its status changes, with what the sensor saw.
create function tell_orphan() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.status = old.status then
        return null;
    end if;
    insert into events (type, lane, data)
        select 'reading.orphan', new.lane, to_jsonb(new) || jsonb_build_object('at', r.at, 'x', r.x_mm, 'y', r.y_mm,
            'tag', r.tag, 'human_identifier',
            (select human_identifier from arrows where replace(id::text, '-', '') = r.tag))
        from readings r where (r.device_id, r.stream_id, r.seq) = (new.device_id, new.stream_id, new.seq);
    return null;
end $$;
create trigger orphans_tell after insert or update on orphans for each row execute function tell_orphan();

-- "Compute this session's shots again from its readings": asked here, done by whichever assembler is active.
create table rebuilds (
    id bigint generated always as identity primary key,
    session_id uuid not null references sessions (id) on delete cascade,
    who text not null,
    why text not null,
    asked_at timestamptz not null default clock_timestamp(),
    done_at timestamptz,
    -- what came of it: how many shots the session has, how many of them are new or other than before
    shots integer,
    revised integer,
    check ((done_at is null) = (shots is null) and (shots is null) = (revised is null))
);
create index rebuilds_waiting on rebuilds (id) where done_at is null;

create function ring_rebuilds() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if exists (select from fresh) then
        perform pg_notify((select channel from installation) || '_readings', '');
    end if;
    return null;
end $$;
create trigger rebuilds_ring after insert on rebuilds
    referencing new table as fresh for each statement execute function ring_rebuilds();

-- A correction may be about yesterday's session, which nobody is looking at any more.
create function correction_asks_rebuild() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into rebuilds (session_id, who, why) select distinct session_id, who, 'correction' from fresh;
    return null;
end $$;
create trigger corrections_ask_rebuild after insert on corrections
    referencing new table as fresh for each statement execute function correction_asks_rebuild();

-- An arrow that is registered late is linked to what it shot before.
create index shots_of_unknown_arrows on shots (arrow_tag) where arrow_id is null;
create function arrow_asks_rebuild() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into rebuilds (session_id, who, why)
        select distinct s.session_id, session_user, 'arrow registered'
        from fresh join shots s on s.arrow_id is null and s.arrow_tag = replace(fresh.id::text, '-', '');
    return null;
end $$;
create trigger arrows_ask_rebuild after insert on arrows
    referencing new table as fresh for each statement execute function arrow_asks_rebuild();

-- How far each device had told when the session closed. device_status is UNLOGGED and speaks of today: without this a miss
-- of last week could not be told again after PostgreSQL was killed or the device was taken away.
alter table session_devices
    add column told_until timestamptz,
    add column told_until_mono_ns bigint,
    add column told_until_boot_id uuid;
create function session_keeps_watermarks() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    update session_devices d
        set told_until = s.watermark, told_until_mono_ns = s.watermark_mono_ns, told_until_boot_id = s.host_boot_id
        from device_status s where s.device_id = d.device_id and d.session_id = new.id;
    return null;
end $$;
create trigger sessions_keep_watermarks after update on sessions
    for each row when (old.is_opened and not new.is_opened) execute function session_keeps_watermarks();
