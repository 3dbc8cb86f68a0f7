-- Arrows are registered, programmed and voided by commands; the UUID of one is permanent.
--
-- A tag is claimed for an arrow before the UUID is written into it, in the transaction that requests the write: so each UUID
-- goes into one tag, and each tag gets one UUID. The claim is released where the daemon proves that nothing was written.

alter table arrows
    alter column length drop not null,
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
comment on column arrows.length is 'Centimetres; null when it was not given, like the other sizes.';
comment on column arrows.tag_tid is 'Serial number (TID) of the tag that is claimed for this arrow: the UUID was written into it, or may have been. Null for none, and for a tag that was programmed elsewhere.';
comment on column arrows.is_write_unfinished is 'A write into the tag was begun and is not proved: the claim stays until it is programmed.';
comment on column arrows.is_locked is 'Whether the EPC of the tag is locked for ever.';
comment on column arrows.programmed_at is 'When the tag was last written; null for one that was programmed elsewhere.';
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
    -- Until now arrows were typed in SQL. A size that no arrow has is in another unit, or not a number.
    if exists (select from arrows) then
        update arrows set length = null where not (length between 10 and 200);
        update arrows set
            weight = case when weight between 1 and 500 then weight end,
            diameter = case when diameter between 1 and 30 then diameter end,
            spine = case when spine between 1 and 5000 then spine end,
            label_position = case when label_position between 0 and least(length, 200) then label_position end
        where not (weight between 1 and 500) or not (diameter between 1 and 30) or not (spine between 1 and 5000)
            or not (label_position between 0 and least(length, 200));
    end if;
    alter table arrows add constraint arrows_bounds check (
        length between 10 and 200 and weight between 1 and 500 and diameter between 1 and 30 and spine between 1 and 5000
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
    elsif new.tag_tid <> old.tag_tid
            or new.tag_tid is null and old.tag_tid is not null and (new.is_programmed or old.is_write_unfinished) then
        raise exception 'the UUID of arrow % belongs to tag %', old.human_identifier, old.tag_tid
            using errcode = 'restrict_violation', hint = 'If the tag is broken, register a new arrow, and void this one.';
    end if;
    return new;
end $$;
comment on function keep_identity_of_arrow is 'Refuses another UUID for an arrow, and another tag for a UUID that is in one or may be.';
create trigger arrows_keep_identity before update on arrows for each row execute function keep_identity_of_arrow();

create function claim_tag(arrow uuid, tid text) returns boolean language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    update arrows set tag_tid = tid where id = arrow and is_active and (tag_tid is null or tag_tid = tid);
    return found;
end $$;
comment on function claim_tag is 'Claims a tag for an active arrow; false when the arrow has another one. A tag that another arrow has violates arrows_by_tag.';

create function accept_program_command() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    tag text := new.arguments ->> 'tid';
    claimant arrows;
begin
    select * into claimant from arrows where tag_tid = tag for update;
    if claimant.id is null or not claimant.is_active
            or replace(claimant.id::text, '-', '') is distinct from new.arguments ->> 'epc' then
        raise exception 'tag % is not claimed for the arrow that is to be written into it', tag
            using errcode = 'restrict_violation', hint = 'Use `archstats-sensor arrow program LABEL`.';
    elsif exists (select from commands where kind = 'program_arrow' and finished_at is null and arguments ->> 'tid' = tag) then
        raise exception 'arrow % is being programmed already', claimant.human_identifier
            using errcode = 'restrict_violation', hint = 'Wait until that has ended: see `archstats-sensor commands list`.';
    end if;
    return new;
end $$;
comment on function accept_program_command is 'Refuses to write into a tag that is not claimed, and two writes of one arrow at a time.';
create trigger commands_accept_program before insert on commands
    for each row when (new.kind = 'program_arrow') execute function accept_program_command();

create function conclude_program_command() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    tag text := new.arguments ->> 'tid';
    arrow arrows;
    -- The evidence of a command that was interrupted may be older than its last write; the daemon's own report is not.
    is_proved_blank boolean := new.claimed_at is null or coalesce(new.result ->> 'written' = 'false'
        and (new.state = 'cancelled' or new.result is distinct from old.result), false);
begin
    select * into arrow from arrows where tag_tid = tag for update;
    if arrow.id is null then
        return null;
    end if;
    if new.state = 'done' and new.result ->> 'epc' = new.arguments ->> 'epc' and new.result ->> 'tid' = tag then
        update arrows set is_programmed = true, is_write_unfinished = false,
                is_locked = is_locked or coalesce(new.result ->> 'is_locked' = 'true', false),
                programmed_at = case when is_programmed and new.result ->> 'written' = 'false' then programmed_at
                    else new.finished_at end
            where id = arrow.id returning * into arrow;
        insert into events (type, lane, data) values ('arrow.programmed',
            (select lane from devices where id = new.device_id),
            jsonb_build_object('id', arrow.id, 'human_identifier', arrow.human_identifier, 'tid', tag,
                'is_locked', arrow.is_locked, 'programmed_at', arrow.programmed_at, 'who', new.who, 'command_id', new.id,
                'device_id', new.device_id));
    elsif not arrow.is_programmed and not is_proved_blank then
        update arrows set is_write_unfinished = true where id = arrow.id and not is_write_unfinished;
    elsif not arrow.is_programmed and not arrow.is_write_unfinished then
        update arrows set tag_tid = null where id = arrow.id;
    end if;
    return null;
end $$;
comment on function conclude_program_command is 'When a command to program an arrow ends: the arrow is programmed, or its tag is released, or the write is unfinished.';
create trigger commands_conclude_program after update on commands
    for each row when (new.kind = 'program_arrow' and old.finished_at is null and new.finished_at is not null)
    execute function conclude_program_command();
