-- Several faces and archers on one butt, rule sets of sessions and shots, and the record of rescores.

alter table sessions
    add column rule_set text not null default 'wa' check (rule_set <> ''),
    add column rule_set_version integer not null default 1 check (rule_set_version > 0),
    add column x_points integer check (x_points > 0);
comment on column sessions.rule_set is 'Code of the rules that its shots are scored by, see edge/shots/rules.json.';
comment on column sessions.rule_set_version is 'Version of these rules.';
comment on column sessions.x_points is 'Points of an X by these rules; null where it counts as much as the highest zone of its face.';

alter table faces add column name text not null default '1' check (name <> '');
comment on column faces.name is 'Name of the whole face: the spots of a multiple face share it. 1 for the first one without another name.';

create table archers (
    id uuid primary key default gen_random_uuid(),
    name text not null unique check (name = btrim(name) and name <> '')
);
comment on table archers is 'Archers, by name alone.';
comment on column archers.name is 'Name as it was typed when a session was opened.';

create table slots (
    id uuid primary key default gen_random_uuid(),
    session_id uuid not null,
    letter text not null check (letter in ('A', 'B', 'C', 'D')),
    face text not null,
    bow_device_id text,
    archer_id uuid references archers (id),
    unique (session_id, letter),
    unique (session_id, bow_device_id)
);
comment on table slots is 'The archers'' places at a butt: who shoots at which face with which bow. Several slots may share a face.';
comment on column slots.letter is 'Letter of the place, as on score cards.';
comment on column slots.face is 'Name of its face, see faces.name.';
comment on column slots.bow_device_id is 'Device on its bow; null without one.';
comment on column slots.archer_id is 'The archer; null where no name was given.';

create function check_slot() returns trigger language plpgsql as $$
begin
    if not exists (select from faces f join targets t on t.id = f.target_id
            where t.session_id = new.session_id and f.name = new.face) then
        raise exception 'slot % has no face: the butt has none named %', new.letter, new.face using errcode = 'check_violation';
    end if;
    return new;
end $$;
comment on function check_slot is 'Refuses a slot whose face is not on the butt.';
create trigger slots_check before insert or update on slots for each row execute function check_slot();
create trigger slots_record_change after insert or update on slots
    for each row execute function record_change_of_owner();

alter table shots
    add column slot_id uuid references slots (id),
    add column rule_set text not null default 'wa',
    add column rule_set_version integer not null default 1;
comment on column shots.slot_id is 'Slot of the archer: by the bow, or on a lane without bows by the face that was hit; null where neither says so.';
comment on column shots.rule_set is 'Code of the rules that the shot was scored by.';
comment on column shots.rule_set_version is 'Version of these rules.';

create table rescores (
    id bigint generated always as identity primary key,
    session_id uuid not null,
    who text not null check (btrim(who) <> ''),
    reason text not null check (btrim(reason) <> ''),
    old jsonb not null,
    new jsonb not null,
    at timestamptz not null default clock_timestamp()
);
comment on table rescores is 'Rescores by operators, append-only: from then on the shots of a closed or open session are derived by other versions of faces, rules or calibrations. Corrections stay.';
comment on column rescores.who is 'The operator.';
comment on column rescores.old is 'Rules, versions of the faces and calibrations before.';
comment on column rescores.new is 'The same after.';
create index rescores_by_session on rescores (session_id, id);

create table rescored_calibrations (
    rescore_id bigint not null,
    device_id text not null,
    calibration_id uuid references calibrations (id),
    after_activation bigint not null,
    primary key (rescore_id, device_id)
);
comment on table rescored_calibrations is 'Calibrations that a rescore chose in place of those active at the landing, append-only. Those of a session''s last rescore are valid.';
comment on column rescored_calibrations.rescore_id is 'The rescore.';
comment on column rescored_calibrations.calibration_id is 'The calibration of the target; null for the nominal place of its sensor.';
comment on column rescored_calibrations.after_activation is 'Last one of calibration_activations at that time: later ones are valid for later landings.';

create function refuse_change_of_rescores() returns trigger language plpgsql as $$
begin
    raise exception 'rescores are never changed or removed; rescore once more' using errcode = 'restrict_violation';
end $$;
comment on function refuse_change_of_rescores is 'Keeps rescores append-only.';
create trigger rescores_refuse_change before update or delete or truncate on rescores
    for each statement execute function refuse_change_of_rescores();
create trigger rescored_calibrations_refuse_change before update or delete or truncate on rescored_calibrations
    for each statement execute function refuse_change_of_rescores();

create function request_rebuild_for_rescore() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform record_session_changes(array[new.session_id]);
    insert into rebuilds (session_id, who, reason) values (new.session_id, new.who, 'rescore');
    return null;
end $$;
comment on function request_rebuild_for_rescore is 'Requests a rebuild of the rescored session, which may have ended long ago.';
create trigger rescores_request_rebuild after insert on rescores
    for each row execute function request_rebuild_for_rescore();

-- A centre has no references between tables. On a hub that replicates, rows bear its number from the start.
do $$
declare
    name text;
begin
    if not exists (select from installation where is_centre) then
        alter table slots
            add foreign key (session_id) references sessions (id) on delete cascade,
            add foreign key (bow_device_id) references devices (id);
        alter table rescores add foreign key (session_id) references sessions (id);
        alter table rescored_calibrations
            add foreign key (rescore_id) references rescores (id),
            add foreign key (device_id) references devices (id);
    end if;
    foreach name in array array['archers', 'slots', 'rescores', 'rescored_calibrations'] loop
        execute format('alter table %I add column hub_id integer not null default %s', name, coalesce((select hub_id from installation), 0));
        execute format('comment on column %I.hub_id is %L', name, 'Hub of the row, see installation.hub_id.');
    end loop;
end $$;

create or replace function emit_shot_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.revision = old.revision then
        return null;
    end if;
    insert into events (type, lane, data) values (
        case when new.result = 'void' then 'shot.voided' when tg_op = 'INSERT' then 'shot.created' else 'shot.updated' end,
        new.lane,
        to_jsonb(new) || jsonb_build_object(
            'human_identifier', (select human_identifier from arrows where id = new.arrow_id),
            'face', (select human_identifier from faces where id = new.face_id),
            'slot', (select letter from slots where id = new.slot_id)));
    return null;
end $$;
