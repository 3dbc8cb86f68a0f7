-- Database sessions of other roles cannot hold up the assembler.

create function end_foreign_lock_holders() returns table (process integer, login text, application text, has_ended boolean)
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    for process, login, application in
        select distinct l.pid, a.usename::text, a.application_name
        from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'advisory' and l.objsubid = 2 and l.classid in (1399353204, 1399353205)
            and l.database = (select oid from pg_database where datname = current_database())
            and not pg_has_role(a.usesysid, 'archstats_shots', 'member')
    loop
        begin
            has_ended := pg_terminate_backend(process);
        exception when insufficient_privilege then
            has_ended := false;
        end;
        return next;
    end loop;
end $$;
comment on function end_foreign_lock_holders is 'Ends the sessions that hold the assembler''s locks (see edge.shots.store.shares) although their user cannot be an assembler. A user whom the database''s owner may not end keeps its session.';
