-- Ends on paper: the values that a second scorer called, beside those that the sensors gave.

create table paper_ends (
    id bigint generated always as identity primary key,
    session_id uuid not null,
    slot text check (slot in ('A', 'B', 'C', 'D')),
    end_number integer not null check (end_number between 1 and 10000),
    arrow_values text[] not null check (arrow_values <@ array['X', '10', '9', '8', '7', '6', '5', '4', '3', '2', '1', 'M']
        and coalesce(array_ndims(arrow_values), 1) = 1 and cardinality(arrow_values) <= 72),
    who text not null check (btrim(who) <> ''),
    at timestamptz not null default clock_timestamp()
);
comment on table paper_ends is 'Ends as a second scorer wrote them on paper, append-only: of several entries of an end the newest is valid. They change no shot.';
comment on column paper_ends.slot is 'Letter of the archer''s place; null on a butt without slots.';
comment on column paper_ends.end_number is 'Number of the end in its session, from 1, sighter ends included, as in ends.number.';
comment on column paper_ends.arrow_values is 'Values as they were called, highest first; none withdraw the entries before. See edge.common.vocabulary.CalledValue.';
comment on column paper_ends.who is 'The scorer or operator who entered it.';
comment on column paper_ends.at is 'When it was entered.';
create index paper_ends_by_session on paper_ends (session_id, id);

create function refuse_change_of_paper() returns trigger language plpgsql as $$
begin
    raise exception 'ends on paper are never changed or removed; enter the end once more' using errcode = 'restrict_violation';
end $$;
comment on function refuse_change_of_paper is 'Keeps ends on paper append-only.';
create trigger paper_ends_refuse_change before update or delete or truncate on paper_ends
    for each statement execute function refuse_change_of_paper();

create function emit_paper_event() returns trigger language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into events (type, lane, data)
        select 'paper.entered', lane, to_jsonb(new) from sessions where id = new.session_id;
    return null;
end $$;
comment on function emit_paper_event is 'Writes paper.entered for each end that a second scorer entered.';

-- A centre has no references between tables, and gets the events of its hubs by its own triggers. On a hub that replicates, rows
-- bear its number from the start.
do $$
begin
    if not exists (select from installation where is_centre) then
        alter table paper_ends add foreign key (session_id) references sessions (id);
        create trigger paper_ends_emit_event after insert on paper_ends for each row execute function emit_paper_event();
    end if;
    execute format('alter table paper_ends add column hub_id integer not null default %s', coalesce((select hub_id from installation), 0));
    comment on column paper_ends.hub_id is 'Hub of the row, see installation.hub_id.';
end $$;
