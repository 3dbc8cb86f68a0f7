-- A new epoch of the database, after its rows came from another server: by `db restore`, or by PostgreSQL's own pg_dump.
--
-- Transaction ids are stored beside rows, and another server numbers its transactions anew. Ids that this server has not given out
-- yet stand in the way of everything that is written later: the feed waits for them, and the assembler takes them for news.
-- Like the grants this file may change. `db restore` also runs it on tables of older versions, so it looks for columns.

create or replace function has_foreign_xids() returns boolean language sql stable
    security definer set search_path = pg_catalog, public, pg_temp as $$
    select coalesce(greatest(
        (select xid from events order by xid desc, id desc limit 1),
        (select xid from readings where not is_surplus order by xid desc limit 1),  -- as the index
        (select xid from session_changes order by xid desc limit 1),
        (select xid from arrows order by xid desc limit 1),
        (select max(before_xid) from assembly_progress),
        (select max(pruned_xid) from installation)
    ) >= pg_snapshot_xmax(pg_current_snapshot()), false)
$$;
comment on function has_foreign_xids is 'Whether a row bears a transaction id that this server has not given out yet: it came from another server. For a transaction that has written nothing.';

create or replace function renew_epoch() returns void language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
    own_xid xid8 := pg_current_xact_id();
    -- Transactions that still run may store readings with their own ids, so the assembler's position does not pass them.
    first_running xid8 := pg_snapshot_xmin(pg_current_snapshot());
    assembled_before xid8 := (select min(before_xid) from assembly_progress);
    place record;
begin
    -- All events come before any later one, in their former order. Arrows are few: the assembler reads all of them again.
    -- No program reads the ids of device_gaps and end_marks.
    for place in
        select table_name, column_name from information_schema.columns
        where table_schema = 'public' and data_type = 'xid8'
            and table_name not in ('installation', 'readings', 'session_changes', 'assembly_progress', 'device_gaps', 'end_marks')
    loop
        execute format('update %I set %I = $1', place.table_name, place.column_name) using own_xid;
    end loop;
    -- Rows that the assembler had processed stay processed; the others are new to it. A position from the other server says
    -- nothing about rows that were stored here: those bear the id of the transaction that stored them (xmin).
    for place in
        select table_name from information_schema.columns
        where table_schema = 'public' and table_name in ('readings', 'session_changes') and column_name = 'xid'
    loop
        execute format(
            'update %I r set xid = case when xid < $3 and not (r.xmin = xid::xid and $3 >= $2) then ''0'' else $1 end
            where xid >= $2 and r.xmin <> xid::xid
                or xid < $2 and (xid >= $3 or r.xmin = xid::xid and $3 >= $2)', place.table_name)
            using own_xid, first_running, assembled_before;
    end loop;
    update assembly_progress set before_xid = first_running;
    -- Readers of the feed see a gap, because this is a new epoch of the database.
    update installation set epoch = substr(replace(gen_random_uuid()::text, '-', ''), 1, 8), pruned_xid = '0', pruned_id = 0;
end $$;
comment on function renew_epoch is 'Begins a new epoch: gives the rows ids of this server, so that all of them come before any later row.';

create or replace function heal_foreign_xids() returns boolean language plpgsql
    security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform from installation for update;  -- a second caller waits here, and then finds nothing to do
    if not has_foreign_xids() then
        return false;
    end if;
    perform renew_epoch();
    return true;
end $$;
comment on function heal_foreign_xids is 'Begins a new epoch if rows came from another server; returns whether it did. Safe for any role: without such rows it changes nothing.';
