-- Arrows are registered, programmed and voided by commands; the UUID of one is permanent.
--
-- The request of a write claims the tag for the arrow: so each UUID goes into one tag, and each tag gets one UUID. The claim
-- is released where the daemon proves that nothing was written.

alter table arrows
    alter column length drop not null,
    -- Arrows that exist were typed in SQL: their UUIDs may be in tags.
    add column is_tag_unknown boolean not null default true,
    add column tag_tid text check (tag_tid ~ '^[0-9a-f]{24}$'),
    add column is_write_unfinished boolean not null default false,
    add column is_locked boolean not null default false,
    add column programmed_at timestamptz,
    add column registered_by text check (btrim(registered_by) <> ''),
    add column void_reason text check (btrim(void_reason) <> ''),
    add column voided_by text check (btrim(voided_by) <> ''),
    add check (tag_tid is not null or not is_write_unfinished),
    add check (not (is_programmed and is_write_unfinished)),
    add check (is_programmed or not is_locked),
    add check (is_programmed or programmed_at is null),
    add check (not is_active or (void_reason is null and voided_by is null));
alter table arrows alter column is_tag_unknown set default false;
comment on column arrows.length is 'Centimetres; null when it was not given, like the other sizes.';
comment on column arrows.tag_tid is 'Serial number (TID) of the tag that is claimed for this arrow: the UUID was written into it, or may have been. Null for none, and for a tag that was programmed elsewhere.';
comment on column arrows.is_write_unfinished is 'A write into the tag may have begun and is not proved: the claim stays until it is programmed.';
comment on column arrows.is_tag_unknown is 'The UUID may be in a tag that this database does not know: it was imported, typed in SQL before this table had the column, or the database was restored from a backup. Only a tag that holds the UUID already is programmed.';
comment on column arrows.is_locked is 'Whether the EPC of the tag is locked for ever.';
comment on column arrows.programmed_at is 'When a scanner last wrote the tag, or first found the UUID in it; null for one that was programmed elsewhere.';
comment on column arrows.registered_by is 'The operator.';
comment on column arrows.void_reason is 'Why the arrow was retired; null for an active one.';
comment on column arrows.voided_by is 'The operator who retired it.';

-- At a centre a row that cannot be stored would stop the replication of its hub.
do $$
begin
    if (select is_centre from installation) is true then
        create index arrows_by_tag on arrows (tag_tid);
        return;
    end if;
    create unique index arrows_by_tag on arrows (tag_tid);
    alter table arrows
        add check (not (is_tag_unknown and is_write_unfinished)),
        add check (is_tag_unknown or tag_tid is not null or not is_programmed);
    -- Until now arrows were typed in SQL. A size that no arrow has is in another unit, or not a number.
    if exists (select from arrows) then
        update arrows set length = null where not (length between 10 and 200);
        update arrows set
            weight = case when weight between 1 and 500 then weight end,
            diameter = case when diameter between 1 and 30 then diameter end,
            spine = case when spine between 10 and 5000 then spine end,
            label_position = case when label_position between 0 and least(length, 200) then label_position end
        where not (weight between 1 and 500) or not (diameter between 1 and 30) or not (spine between 10 and 5000)
            or not (label_position between 0 and least(length, 200));
    end if;
    alter table arrows add constraint arrows_bounds check (
        length between 10 and 200 and weight between 1 and 500 and diameter between 1 and 30 and spine between 10 and 5000
        and label_position between 0 and least(length, 200));
end $$;
create index shots_by_arrow on shots (arrow_id) where arrow_id is not null;

create function refuse_removal_of_arrows() returns trigger language plpgsql as $$
begin
    raise exception 'arrows are never removed: the UUID stays in the tag'
        using errcode = 'restrict_violation', hint = 'Void the arrow: `archstats-sensor arrow void LABEL --reason TEXT`.';
end $$;
comment on function refuse_removal_of_arrows is 'Keeps every arrow that was ever registered, so that no UUID is given twice.';
create trigger arrows_refuse_removal before delete or truncate on arrows
    for each statement execute function refuse_removal_of_arrows();

create function keep_identity_of_arrow() returns trigger language plpgsql as $$
begin
    if new.id <> old.id then
        raise exception 'the UUID of arrow % is permanent', old.human_identifier
            using errcode = 'restrict_violation', hint = 'Register a new arrow, and void this one.';
    elsif old.is_programmed and not new.is_programmed or old.is_locked and not new.is_locked then
        raise exception 'the tag of arrow % is programmed, which cannot be undone', old.human_identifier
            using errcode = 'restrict_violation', hint = 'If the tag is broken, register a new arrow, and void this one.';
    elsif new.tag_tid <> old.tag_tid or new.tag_tid is null and old.tag_tid is not null
            and (new.is_programmed and not old.is_tag_unknown or old.is_write_unfinished) then
        raise exception 'the UUID of arrow % belongs to tag %', old.human_identifier, old.tag_tid
            using errcode = 'restrict_violation', hint = 'If the tag is broken, register a new arrow, and void this one.';
    end if;
    return new;
end $$;
comment on function keep_identity_of_arrow is 'Refuses another UUID for an arrow, and another tag for a UUID that is in one or may be.';
create trigger arrows_keep_identity before update on arrows for each row execute function keep_identity_of_arrow();

create function mark_unknown_tag() returns trigger language plpgsql as $$
begin
    new.is_tag_unknown := new.is_tag_unknown or new.is_programmed and new.tag_tid is null;
    return new;
end $$;
comment on function mark_unknown_tag is 'The tag of a new arrow that is programmed is not known.';
create trigger arrows_mark_unknown_tag before insert on arrows for each row execute function mark_unknown_tag();

create function mark_programmed_elsewhere(arrow uuid) returns boolean language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    update arrows set is_programmed = true, is_tag_unknown = true
        where id = arrow and is_active and not is_programmed and tag_tid is null;
    return found;
end $$;
comment on function mark_programmed_elsewhere is 'Notes that another program wrote the UUID of an arrow into a tag; false for an arrow that has a tag, or is programmed or voided.';

create function accept_program_command() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    tag text := new.arguments ->> 'tid';
    epc text := new.arguments ->> 'epc';
    memory text := new.arguments ->> 'memory';
    arrow arrows;
    other arrows;
begin
    if not coalesce(tag ~ '^[0-9a-f]{24}$' and epc ~ '^[0-9a-f]{32}$' and memory ~ '^[0-9a-f]{32}$', false) then
        raise exception 'program_arrow lacks a TID of 24, an EPC of 32 or a memory of 32 lower-case hexadecimal digits'
            using errcode = 'restrict_violation', hint = 'Use `archstats-sensor arrow program LABEL`.';
    end if;
    select * into arrow from arrows where id = epc::uuid for update;
    if arrow.id is null or not arrow.is_active then
        raise exception 'no active arrow has the UUID %', epc
            using errcode = 'restrict_violation', hint = 'See `archstats-sensor arrow list --all`.';
    elsif exists (select from commands where kind = 'program_arrow' and finished_at is null
            and (arguments ->> 'epc' = epc or arguments ->> 'tid' = tag)) then
        raise exception 'arrow % or the tag on the scanner is being programmed already', arrow.human_identifier
            using errcode = 'restrict_violation', hint = 'Wait until that has ended: see `archstats-sensor commands list`.';
    elsif arrow.tag_tid <> tag then
        raise exception 'the UUID of arrow % is, or may be, in tag %', arrow.human_identifier, arrow.tag_tid
            using errcode = 'restrict_violation', hint = 'Put the arrow with its own tag on the scanner.';
    elsif arrow.is_tag_unknown and memory <> epc then
        raise exception 'the UUID of arrow % may be in a tag already, and the tag on the scanner does not hold it',
                arrow.human_identifier
            using errcode = 'restrict_violation', hint = 'Put the arrow with its own tag on the scanner. If no tag has this '
                'UUID, void the arrow and register a new one.';
    end if;
    -- The driver accepts the memory also after a part of this write.
    select * into other from arrows where id <> arrow.id and (tag_tid = tag or id = any (array(
        select (left(epc, 4 * words) || substr(memory, 4 * words + 1))::uuid from generate_series(0, 8) words))) limit 1;
    if other.id is not null then
        raise exception 'the tag on the scanner is that of arrow %, not of %', other.human_identifier, arrow.human_identifier
            using errcode = 'restrict_violation', hint = 'Put each arrow on the scanner with a tag of its own.';
    end if;
    -- Until it is proved that this tag holds the UUID, another one may.
    update arrows set tag_tid = tag, is_tag_unknown = is_tag_unknown or memory = epc where id = arrow.id and tag_tid is null;
    return new;
end $$;
comment on function accept_program_command is 'Claims the tag for the arrow that is to be written into it. Refuses a tag of another arrow, an arrow with another tag, and two writes of one arrow or tag at a time.';
create trigger commands_accept_program before insert on commands
    for each row when (new.kind = 'program_arrow') execute function accept_program_command();

create function conclude_program_command() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    tag text := new.arguments ->> 'tid';
    arrow arrows;
    -- The evidence of a command that was interrupted may be older than its last write; the daemon's own report is not.
    was_written boolean := coalesce(new.result ->> 'write_attempts' <> '0', new.result ->> 'written' is distinct from 'false');
    is_proved_blank boolean := new.claimed_at is null or coalesce(new.result ->> 'written' = 'false'
        and (new.state = 'cancelled' or new.result is distinct from old.result), false);
begin
    select * into arrow from arrows where tag_tid = tag for update;
    if arrow.id is null then
        return null;
    end if;
    -- Memory and inventory are what the scanner read; epc and tid only repeat what was to be written.
    if new.state = 'done' and new.result ->> 'tid' = tag and new.result ->> 'bank_epc' = new.arguments ->> 'epc'
            and new.result ->> 'inventory_epc' = new.arguments ->> 'epc' then
        update arrows set is_programmed = true, is_write_unfinished = false, is_tag_unknown = false,
                is_locked = is_locked or coalesce(new.result ->> 'is_locked' = 'true', false),
                programmed_at = case when is_programmed and not was_written then programmed_at else new.finished_at end
            where id = arrow.id returning * into arrow;
        insert into events (type, lane, data) values ('arrow.programmed',
            (select lane from devices where id = new.device_id),
            jsonb_build_object('id', arrow.id, 'human_identifier', arrow.human_identifier, 'tid', tag,
                'is_locked', arrow.is_locked, 'programmed_at', arrow.programmed_at, 'who', new.who, 'command_id', new.id,
                'device_id', new.device_id));
    elsif arrow.is_tag_unknown then  -- it wrote no UUID: the tag must hold it already
        update arrows set tag_tid = null where id = arrow.id;
    elsif not arrow.is_programmed and not arrow.is_write_unfinished then
        update arrows set tag_tid = case when not is_proved_blank then tag end, is_write_unfinished = not is_proved_blank
            where id = arrow.id;
    end if;
    return null;
end $$;
comment on function conclude_program_command is 'When a command to program an arrow ends: the arrow is programmed, or its tag is released, or the write is unfinished.';
create trigger commands_conclude_program after update on commands
    for each row when (new.kind = 'program_arrow' and old.finished_at is null and new.finished_at is not null)
    execute function conclude_program_command();
