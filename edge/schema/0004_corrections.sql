-- Decisions of operators about shots and landings, and requests to derive shots again.

create table corrections (
    id bigint generated always as identity primary key,
    session_id uuid not null references sessions (id),
    kind text not null check (kind in ('result', 'restore', 'assign', 'dismiss', 'reopen')),
    device_id text not null,
    stream_id uuid not null,
    seq bigint not null,
    who text not null check (btrim(who) <> ''),
    reason text not null check (btrim(reason) <> ''),
    old jsonb not null,
    new jsonb not null,
    at timestamptz not null default clock_timestamp(),
    foreign key (device_id, stream_id, seq) references readings (device_id, stream_id, seq),
    check (kind <> 'result' or (
        new ->> 'result' in ('hit', 'off_face', 'miss', 'unknown', 'not_shot', 'void')
        and jsonb_typeof(new -> 'points') in ('number', 'null')
        and jsonb_typeof(new -> 'is_x') = 'boolean')),
    check (kind <> 'assign' or jsonb_typeof(new -> 'release') in ('object', 'null'))
);
comment on table corrections is 'Corrections by operators, append-only: the latest of a shot or landing is valid, earlier ones stay on record. Applied after everything derived from readings, so deriving shots again never undoes a correction.';
comment on column corrections.kind is 'Of a shot: result, restore (earlier corrections are withdrawn). Of a landing: assign, dismiss, reopen.';
comment on column corrections.device_id is 'With stream_id and seq the reading that the correction is about: the release of the shot, or its landing when it has none; the landing for assign, dismiss and reopen.';
comment on column corrections.who is 'The operator.';
comment on column corrections.old is 'Value before.';
comment on column corrections.new is 'Value after. assign: {"release": key of the release, or null to make the landing a shot of its own}.';
create index corrections_by_session on corrections (session_id, id);

create function refuse_change_of_corrections() returns trigger language plpgsql as $$
begin
    raise exception 'corrections are never changed or removed; add one that says otherwise'
        using errcode = 'restrict_violation';
end $$;
comment on function refuse_change_of_corrections is 'Keeps corrections append-only.';
create trigger corrections_refuse_change before update or delete or truncate on corrections
    for each statement execute function refuse_change_of_corrections();

create table rebuilds (
    id bigint generated always as identity primary key,
    session_id uuid not null references sessions (id) on delete cascade,
    who text not null,
    reason text not null,
    asked_at timestamptz not null default clock_timestamp(),
    done_at timestamptz,
    shots integer,
    revised integer,
    check ((done_at is null) = (shots is null) and (shots is null) = (revised is null))
);
comment on table rebuilds is 'Requests to derive the shots of a session again; the active assembler does it and records the outcome.';
comment on column rebuilds.who is 'The operator, role or service that requested it.';
comment on column rebuilds.reason is 'Why it was requested.';
comment on column rebuilds.asked_at is 'When it was requested.';
comment on column rebuilds.done_at is 'When it was done; null while the request is pending.';
comment on column rebuilds.shots is 'Shots of the session afterwards.';
comment on column rebuilds.revised is 'How many of them are new or changed.';
create index rebuilds_pending on rebuilds (id) where done_at is null;

create function ring_rebuilds_doorbell() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if exists (select from fresh) then
        perform pg_notify((select channel from installation) || '_readings', '');
    end if;
    return null;
end $$;
comment on function ring_rebuilds_doorbell is 'Wakes the assembler for new requests.';
create trigger rebuilds_ring_doorbell after insert on rebuilds
    referencing new table as fresh for each statement execute function ring_rebuilds_doorbell();

create function request_rebuild_for_correction() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into rebuilds (session_id, who, reason) select distinct session_id, who, 'correction' from fresh;
    return null;
end $$;
comment on function request_rebuild_for_correction is 'Requests a rebuild of the corrected session, which may have ended long ago.';
create trigger corrections_request_rebuild after insert on corrections
    referencing new table as fresh for each statement execute function request_rebuild_for_correction();

create function request_rebuild_for_arrow() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into rebuilds (session_id, who, reason)
        select distinct s.session_id, session_user, 'arrow registered'
        from fresh join shots s on s.arrow_id is null and s.arrow_tag = replace(fresh.id::text, '-', '');
    return null;
end $$;
comment on function request_rebuild_for_arrow is 'Requests a rebuild of the sessions in which a newly registered arrow was already shot.';
create trigger arrows_request_rebuild after insert on arrows
    referencing new table as fresh for each statement execute function request_rebuild_for_arrow();
